// SPDX-License-Identifier: Apache-2.0
//
// Where positions lie in a layer's cache; tiles.h draws the tiles. Position p lives in slot
// p % capacity. Of each key/value head there are capacity / 64 tiles in a row, keys apart from
// values.
#pragma once

#include <cstddef>

#include "kernels/backend.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {

inline constexpr int kCacheTile = 64;  // positions

[[nodiscard]] constexpr std::size_t cache_tile_bytes(CacheFormat format, int head_dim) {
  return kCacheTile * cache_head_bytes(format, head_dim);
}

/// Where the tile with this slot begins.
[[nodiscard]] constexpr std::size_t cache_tile_offset(CacheFormat format, int head_dim,
                                                      int capacity, int kv_head, int slot) {
  const auto tile =
      static_cast<std::size_t>(kv_head) * static_cast<std::size_t>(capacity / kCacheTile) +
      static_cast<std::size_t>(slot / kCacheTile);
  return tile * cache_tile_bytes(format, head_dim);
}

/// Where element d of position `row` of a tile lies in it.
[[nodiscard]] constexpr unsigned cache_bf16_offset(int row, int d) {
  return static_cast<unsigned>(d / kPieceCols) * kTileBytes +
         swizzled(static_cast<unsigned>(row), static_cast<unsigned>(d % kPieceCols) * 2);
}
[[nodiscard]] constexpr unsigned cache_int8_offset(int head_dim, int row, int d) {
  return static_cast<unsigned>(row * head_dim + d);
}
[[nodiscard]] constexpr unsigned cache_scale_offset(int head_dim, int row) {
  return static_cast<unsigned>(kCacheTile * head_dim) + static_cast<unsigned>(row) * 4;
}

}  // namespace gemma2::cuda
