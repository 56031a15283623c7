// SPDX-License-Identifier: Apache-2.0
#include "model/cache_undo.h"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <span>
#include <utility>

namespace gemma2 {

void CacheUndo::remember(KvCache::State& cache, int first, int end) {
  saved_.clear();
  written_ = cache.written;
  // Below `written` the slots hold positions that a rewind has dropped; what was in them before is
  // already gone.
  const int fresh = std::max(first, cache.written);
  const std::scoped_lock lock(cache.engine->step_mutex());
  for (std::size_t layer = 0; layer < cache.views.size(); ++layer) {
    const int capacity = cache.views[layer].capacity;
    Saved saved = {layer, std::max(0, fresh - capacity), end - capacity};
    if (saved.first >= saved.last) continue;
    saved.bytes.resize(static_cast<std::size_t>(saved.last - saved.first) * cache.position_bytes());
    cache.layers[layer].read(saved.bytes, saved.first, saved.last);
    saved_.push_back(std::move(saved));
  }
}

void CacheUndo::take_back(KvCache::State& cache, int kept) {
  const std::scoped_lock lock(cache.engine->step_mutex());
  for (const Saved& saved : saved_) {
    const CacheView& view = cache.views[saved.layer];
    const int first = std::max(saved.first, kept - view.capacity);
    if (first >= saved.last) continue;
    const auto skipped = static_cast<std::size_t>(first - saved.first) * cache.position_bytes();
    cache.layers[saved.layer].write(std::span(saved.bytes).subspan(skipped), first, saved.last);
  }
  saved_.clear();
  cache.written = std::max(written_, kept);  // last: until all is back, it counts as destroyed
}

}  // namespace gemma2
