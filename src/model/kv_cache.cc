// SPDX-License-Identifier: Apache-2.0
//
// Capacity and rewind. Every layer is a ring; one that holds the whole context never wraps. A local
// ring holds the window plus one prefill chunk, because a chunk's keys are appended before its
// first row attends.
#include "gemma2/kv_cache.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "available_memory.h"
#include "check.h"
#include "checked_math.h"
#include "model/cache_state.h"

namespace gemma2 {
namespace {

constexpr int kMaxContext = 131072;

int context_of(const ModelConfig& config, const KvCacheOptions& options) {
  require(options.context_length >= 0 && options.context_length <= kMaxContext,
          ErrorCode::invalid_argument,
          "context_length: expected 0 (the model's own) to {}, found {}", kMaxContext,
          options.context_length);
  return options.context_length == 0 ? config.context_length : options.context_length;
}

CacheType type_of(const Engine& engine, CacheType type) {
  switch (type) {
    case CacheType::automatic:
      return engine.precise() ? CacheType::f32 : CacheType::bf16;
    case CacheType::f32:
    case CacheType::bf16:
    case CacheType::int8:
      return type;
  }
  fail(ErrorCode::invalid_argument, "cache type: expected automatic, f32, bf16 or int8, found {}",
       static_cast<int>(type));
}

/// Pages are granted on their first use, in the middle of a prompt: better to say now that they
/// will not be there.
void require_room(const KvCache::State& state, int ring) {
  const std::span<const Segment> segments = state.engine->segments();
  for (const Segment& segment : segments) {
    std::uint64_t bytes = 0;
    for (int i = segment.first_layer; i < segment.end_layer; ++i) {
      bytes += segment.backend->cache_bytes(state.in_ring(i) ? ring : state.context_length,
                                            format_of(state.type));
    }
    const std::string where =
        segments.size() == 1 ? std::string() : fmt::format(" on {}", segment.backend->name());
    require_memory(bytes, segment.backend->free_memory(),
                   fmt::format("the keys and values of {} positions in {}{}", state.context_length,
                               to_string(state.type), where),
                   state.type == CacheType::int8
                       ? "a shorter context takes less"
                       : "a shorter context or int8 keys and values take less");
  }
}

}  // namespace

const char* to_string(CacheType type) noexcept {
  switch (type) {
    case CacheType::automatic:
      return "automatic";
    case CacheType::f32:
      return "f32";
    case CacheType::bf16:
      return "bf16";
    case CacheType::int8:
      return "int8";
  }
  return "?";
}

KvCache::State::State(std::shared_ptr<Engine> shared_engine, const KvCacheOptions& cache_options)
    : engine(std::move(shared_engine)),
      context_length(context_of(engine->config(), cache_options)),
      local_layers(cache_options.local_layers),
      type(type_of(*engine, cache_options.type)) {
  const ModelConfig& config = engine->config();
  const int ring = config.sliding_window > context_length - engine->prefill_chunk()
                       ? context_length
                       : config.sliding_window + engine->prefill_chunk() - 1;
  // Memory that a step has for speed alone may have to make room: not in the middle of one.
  const std::scoped_lock lock(engine->step_mutex());
  require_room(*this, ring);
  layers.reserve(static_cast<std::size_t>(config.num_layers));
  for (int i = 0; i < config.num_layers; ++i) {
    layers.emplace_back(engine->backend_of(i), in_ring(i) ? ring : context_length, format_of(type));
    views.push_back(layers.back().view());
  }
  tokens.reserve(static_cast<std::size_t>(context_length));
}

int KvCache::State::oldest_held(LayerKind kind) const noexcept {
  const auto layer = kind == LayerKind::local ? 0U : 1U;
  if (layer >= views.size()) return 0;
  return std::max(0, written - views[layer].capacity);
}

KvCache::KvCache(const Model& model, const KvCacheOptions& options)
    : state_(std::make_unique<State>(model.engine(), options)) {}
KvCache::KvCache(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
KvCache::KvCache(KvCache&&) noexcept = default;
KvCache& KvCache::operator=(KvCache&&) noexcept = default;
KvCache::~KvCache() = default;

int KvCache::context_length() const noexcept {
  return state_->context_length;
}

int KvCache::capacity(LayerKind kind) const noexcept {
  for (std::size_t i = 0; i < state_->views.size(); ++i) {
    if (state_->engine->config().layer_kind(static_cast<int>(i)) == kind) {
      return state_->views[i].capacity;
    }
  }
  return 0;
}

std::size_t KvCache::bytes() const noexcept {
  std::size_t total = 0;
  for (const CacheView& view : state_->views) total += view.bytes;
  return total;
}

CacheType KvCache::type() const noexcept {
  return state_->type;
}
int KvCache::position() const noexcept {
  return static_cast<int>(state_->tokens.size());
}
TokenSpan KvCache::tokens() const noexcept {
  return state_->tokens;
}

bool KvCache::can_rewind(int position) const noexcept {
  if (position < 0 || position > this->position()) return false;
  const int window = state_->engine->config().sliding_window;
  const int oldest_needed = std::max(0, position - window + 1);
  return position == 0 || oldest_needed >= state_->oldest_held(LayerKind::local);
}

bool KvCache::rewind(int position) noexcept {
  if (!can_rewind(position)) return false;
  state_->tokens.resize(static_cast<std::size_t>(position));
  if (position == 0) state_->written = 0;
  return true;
}

KvCache KvCache::fork() const {
  return fork(position());
}

KvCache KvCache::fork(int position) const {
  require(can_rewind(position), ErrorCode::invalid_argument,
          "fork: expected a position that is still held, 0 to {}, found {}", this->position(),
          position);
  const State& from = *state_;
  auto to =
      std::make_unique<State>(from.engine, KvCacheOptions{.context_length = from.context_length,
                                                          .local_layers = from.local_layers,
                                                          .type = from.type});
  to->tokens.assign(from.tokens.begin(), from.tokens.begin() + position);
  // Not `position`: what a ring overwrote beyond it is missing from the copy, too.
  to->written = position == 0 ? 0 : from.written;
  const std::scoped_lock lock(from.engine->step_mutex());
  for (std::size_t layer = 0; layer < from.views.size(); ++layer) {
    const LayerKind kind = from.engine->config().layer_kind(static_cast<int>(layer));
    const int first = std::min(position, from.oldest_held(kind));
    from.engine->backend_of(static_cast<int>(layer))
        .copy_cache(to->views[layer], from.views[layer], first, position);
  }
  return KvCache(std::move(to));
}

}  // namespace gemma2
