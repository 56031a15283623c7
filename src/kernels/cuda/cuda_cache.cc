// SPDX-License-Identifier: Apache-2.0
//
// KV caches: where they come from, and their way to and from a file. Outside, a position is a row
// of all heads' keys, then values; here, tiles (cache_tiles.h). Whole tiles cross the bus.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "check.h"
#include "checked_math.h"
#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/cuda_backend.h"

namespace gemma2::cuda {
namespace {

/// One head's key, or value, of a position: as a row has it.
void copy_head(std::byte* row, std::byte* tile, CacheFormat format, int head_dim, int slot,
               bool to_tile) {
  const auto move = [to_tile](std::byte* outside, std::byte* inside, std::size_t bytes) {
    std::memcpy(to_tile ? inside : outside, to_tile ? outside : inside, bytes);
  };
  if (format == CacheFormat::int8) {
    move(row, tile + cache_int8_offset(head_dim, slot, 0), static_cast<std::size_t>(head_dim));
    move(row + head_dim, tile + cache_scale_offset(head_dim, slot), sizeof(float));
    return;
  }
  constexpr int kUnit = 8;  // elements that stay together
  for (int d = 0; d < head_dim; d += kUnit) {
    move(row + d * 2, tile + cache_bf16_offset(slot, d), kUnit * 2);
  }
}

/// Calls visit(first position, positions) for the pieces of [first, last) that share a tile.
template <typename Visit>
void for_each_tile(int first, int last, Visit visit) {
  for (int position = first; position < last;) {
    const int end = std::min(last, (position / kCacheTile + 1) * kCacheTile);
    visit(position, end - position);
    position = end;
  }
}

}  // namespace

CacheView CudaBackend::allocate_cache(int capacity, CacheFormat format) {
  require(format != CacheFormat::f32, ErrorCode::unsupported,
          "cache: expected bf16 or int8 on a card, found f32");
  card_.use();
  queue_.clear();  // a cancelled step's, and not wanted any more
  CacheView cache;
  cache.format = format;
  cache.capacity = round_up(capacity, kAttentionChunk);
  cache.bytes = cache_bytes(capacity, format);
  auto buffer = std::make_unique<CardBuffer>(allocate(cache.bytes, "a KV cache"));
  fill_zero(*buffer);
  cache.keys = buffer->data();
  cache.values = cache.keys + cache.bytes / 2;
  cache.owner = buffer.release();
  return cache;
}

/// Frees on the card that the memory is of, whichever the thread uses.
void CudaBackend::release_cache(const CacheView& cache) noexcept {
  const std::unique_ptr<CardBuffer> owner(static_cast<CardBuffer*>(cache.owner));
}

void CudaBackend::move_cache(std::byte* rows, const CacheView& cache, int first, int last,
                             bool to_card) {
  card_.use();
  const int head_dim = config_.head_dim;
  const std::size_t tile_bytes = cache_tile_bytes(cache.format, head_dim);
  const std::size_t head_bytes = cache_head_bytes(cache.format, head_dim);
  const auto heads = static_cast<std::size_t>(config_.num_kv_heads);
  std::vector<std::byte> tile(tile_bytes);
  for_each_tile(first, last, [&](int position, int count) {
    const int slot = position % cache.capacity;
    for (std::size_t side = 0; side < 2; ++side) {
      for (std::size_t head = 0; head < heads; ++head) {
        std::byte* on_card =
            (side == 0 ? cache.keys : cache.values) +
            cache_tile_offset(cache.format, head_dim, cache.capacity, static_cast<int>(head), slot);
        const bool replaces_all = to_card && count == kCacheTile;
        if (!replaces_all) stream_.copy_out(tile.data(), on_card, tile_bytes, "read a KV cache");
        for (int i = 0; i < count; ++i) {
          std::byte* row = rows + (static_cast<std::size_t>(position - first + i) * 2 * heads +
                                   side * heads + head) *
                                      head_bytes;
          copy_head(row, tile.data(), cache.format, head_dim, (slot + i) % kCacheTile, to_card);
        }
        if (!to_card) continue;
        stream_.copy_in(on_card, tile.data(), tile_bytes, "write a KV cache");
      }
    }
  });
}

void CudaBackend::read_cache(std::span<std::byte> to, const CacheView& from, int first, int last) {
  move_cache(to.data(), from, first, last, false);
}

void CudaBackend::write_cache(const CacheView& to, std::span<const std::byte> from, int first,
                              int last) {
  // Only read from: move_cache is told which way.
  move_cache(const_cast<std::byte*>(from.data()), to, first, last, true);
}

/// Whole tiles of all heads, which lie side by side until the ring's end.
void CudaBackend::copy_cache(const CacheView& to, const CacheView& from, int first, int last) {
  card_.use();
  const int head_dim = config_.head_dim;
  const int planes = 2 * config_.num_kv_heads;  // values stand behind the keys of all heads
  for (int position = first / kCacheTile * kCacheTile; position < last;) {
    const int slot = position % from.capacity;
    const int end = std::min(round_up(last, kCacheTile), position + from.capacity - slot);
    const std::size_t bytes = static_cast<std::size_t>((end - position) / kCacheTile) *
                              cache_tile_bytes(from.format, head_dim);
    for (int plane = 0; plane < planes; ++plane) {
      const std::size_t at = cache_tile_offset(from.format, head_dim, from.capacity, plane, slot);
      require_success(cudaMemcpyAsync(to.keys + at, from.keys + at, bytes, cudaMemcpyDeviceToDevice,
                                      stream_.get()),
                      "copy a KV cache");
    }
    position = end;
  }
}

}  // namespace gemma2::cuda
