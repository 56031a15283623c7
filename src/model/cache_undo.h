// SPDX-License-Identifier: Apache-2.0
//
// Takes back what a step wrote into a cache, so that the cache is as if the step had been shorter.
// Rewinding alone forgets tokens; but in a ring that has wrapped, each position written has also
// destroyed the one `capacity` before it, and the cache remembers that it did. Both are put back
// here, so that a rejected draft takes away nothing: not from the window, nor from how far the
// session can rewind later, nor from what save() writes.
#pragma once

#include <vector>

#include "model/cache_state.h"

namespace gemma2 {

class CacheUndo {
 public:
  /// Before a step that writes the positions [first, end): copies what they are about to destroy.
  /// Nothing unless a ring wraps; then a few kilobytes for each position and layer.
  void remember(KvCache::State& cache, int first, int end);

  /// After it, once the cache's tokens have been shortened: the cache is as if only the positions
  /// before `kept` had been written. If it throws, the cache is sound, but can rewind less far.
  void take_back(KvCache::State& cache, int kept);

 private:
  /// Positions [first, last) of a layer.
  struct Saved {
    std::size_t layer = 0;
    int first = 0;
    int last = 0;
    std::vector<std::byte> bytes = {};
  };

  std::vector<Saved> saved_;
  int written_ = 0;
};

}  // namespace gemma2
