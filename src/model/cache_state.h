// SPDX-License-Identifier: Apache-2.0
//
// The inside of a KvCache: one CacheView a layer and the ids of what is in them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gemma2/kv_cache.h"

#include "kernels/backend.h"
#include "model/engine.h"

namespace gemma2 {

/// Owns one layer's cache; gives it back to the backend that allocated it.
class LayerCache {
 public:
  LayerCache(Backend& backend, int capacity, CacheFormat format)
      : backend_(&backend), view_(backend.allocate_cache(capacity, format)) {}
  LayerCache(LayerCache&& other) noexcept : backend_(other.backend_), view_(other.view_) {
    other.backend_ = nullptr;
  }
  LayerCache& operator=(LayerCache&&) = delete;
  ~LayerCache() {
    if (backend_ != nullptr) backend_->release_cache(view_);
  }
  [[nodiscard]] const CacheView& view() const noexcept { return view_; }

  /// Positions [first, last), see Backend::read_cache().
  void read(std::span<std::byte> to, int first, int last) const {
    backend_->read_cache(to, view_, first, last);
  }
  void write(std::span<const std::byte> from, int first, int last) {
    backend_->write_cache(view_, from, first, last);
  }

 private:
  Backend* backend_;
  CacheView view_;
};

/// REQUIRES: type is not automatic.
[[nodiscard]] constexpr CacheFormat format_of(CacheType type) noexcept {
  return type == CacheType::f32    ? CacheFormat::f32
         : type == CacheType::int8 ? CacheFormat::int8
                                   : CacheFormat::bf16;
}

struct KvCache::State {
  State(std::shared_ptr<Engine> shared_engine, const KvCacheOptions& cache_options);

  std::shared_ptr<Engine> engine;  // first: the layers are freed through its backends
  int context_length;
  LocalLayers local_layers;
  CacheType type;  // not automatic
  std::vector<LayerCache> layers;
  std::vector<CacheView> views;  // of the layers, as a step wants them
  std::vector<TokenId> tokens;   // position = their number

  /// Highest position written since the cache was empty, plus one; rewinding leaves it. It tells
  /// what a ring has overwritten.
  int written = 0;

  /// Lowest position that a layer of this kind still holds.
  [[nodiscard]] int oldest_held(LayerKind kind) const noexcept;

  [[nodiscard]] bool in_ring(int layer) const noexcept {
    return local_layers == LocalLayers::ring && engine->config().is_local(layer);
  }

  /// Keys and values of one position of one layer.
  [[nodiscard]] std::size_t position_bytes() const noexcept {
    const ModelConfig& config = engine->config();
    return 2 * static_cast<std::size_t>(config.num_kv_heads) *
           cache_head_bytes(format_of(type), config.head_dim);
  }

  /// Calls visit(layer, first, last, buffer) for blocks of positions that cover everything held
  /// before `end`; the buffer has room for them.
  template <typename Visit>
  void for_each_block(int end, Visit visit) const {
    constexpr int kBlock = 256;
    const ModelConfig& config = engine->config();
    std::vector<std::byte> buffer(kBlock * position_bytes());
    for (std::size_t layer = 0; layer < views.size(); ++layer) {
      const LayerKind kind = config.layer_kind(static_cast<int>(layer));
      for (int first = oldest_held(kind); first < end; first += kBlock) {
        const int last = first + kBlock < end ? first + kBlock : end;
        visit(layer, first, last,
              std::span(buffer).first(static_cast<std::size_t>(last - first) * position_bytes()));
      }
    }
  }
};

}  // namespace gemma2
