// SPDX-License-Identifier: Apache-2.0
//
// What a block of an attention kernel attends for: the rows of a query tile, times the query heads
// that share one key/value head. Row m of the block's matrix is row m / group of the tile, head
// m % group of the group.
#pragma once

#include <cstddef>

#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

/// A run of positions.
struct PositionRange {
  int first = 0;
  unsigned count = 0;

  __device__ bool has(int position) const {
    return static_cast<unsigned>(position - first) < count;
  }
  __device__ int last() const { return first + static_cast<int>(count) - 1; }
};

struct QueryRows {
  QueryTile tile;
  int group = 0;
  int kv_head = 0;
  int head_dim = 0;
  int window = 0;

  __device__ QueryRows(const Attention& work, int tile_index, int head)
      : tile(work.tiles[tile_index]),
        group(work.shape.num_heads / work.shape.num_kv_heads),
        kv_head(head),
        head_dim(work.shape.head_dim),
        window(work.shape.window) {}

  /// Rows of the block's matrix that are there.
  __device__ int count() const { return tile.rows * group; }

  /// What `rows` tokens see together, of which `last` is the youngest one's position.
  __device__ PositionRange seen_by(int rows, int last) const {
    const int first = window > 0 ? last - (rows - 1) - (window - 1) : 0;
    const int begin = first > 0 ? first : 0;
    return {begin, static_cast<unsigned>(last + 1 - begin)};
  }
  /// What a row of the matrix sees.
  __device__ PositionRange seen(int m) const {
    return m < count() ? seen_by(1, tile.first_position + m / group) : PositionRange{};
  }
  /// What one row or another of the tile sees.
  __device__ PositionRange seen() const {
    return seen_by(tile.rows, tile.first_position + tile.rows - 1);
  }

  /// Row m's query, m < count().
  __device__ const float* query(FloatRows qkv, int m) const {
    return qkv.row(tile.first_row + m / group) + (kv_head * group + m % group) * head_dim;
  }
  /// Stores elements d and d + 1 of row m's output, d even.
  __device__ void put(TiledRows out, int m, int d, float low, float high) const {
    const int column = (kv_head * group + m % group) * head_dim + d;
    std::byte* to = out.data + element_offset(tile.first_row + m / group, column, out.padded_cols);
    *reinterpret_cast<std::uint32_t*>(to) = pack_bf16(low, high);
  }
};

/// Zeros the columns of the tile's output rows from `cols` on: `threads` threads of one block.
__device__ inline void zero_padding(TiledRows out, const QueryTile& tile, int cols, int threads) {
  const int pairs = (out.padded_cols - cols) / 2;
  for (int i = static_cast<int>(threadIdx.x); i < tile.rows * pairs; i += threads) {
    std::byte* to = out.data + element_offset(tile.first_row + i / pairs, cols + i % pairs * 2,
                                              out.padded_cols);
    *reinterpret_cast<std::uint32_t*>(to) = 0;
  }
}

/// Keys, or values, of one head.
struct CachePlane {
  const std::byte* data = nullptr;
  int capacity = 0;
  CacheFormat format = CacheFormat::bf16;
  int head_dim = 0;

  __device__ CachePlane(const std::byte* all, int positions, const AttentionShape& shape,
                        int kv_head)
      : data(all + cache_tile_offset(shape.format, shape.head_dim, positions, kv_head, 0)),
        capacity(positions),
        format(shape.format),
        head_dim(shape.head_dim) {}

  /// The tile that holds the position.
  __device__ const std::byte* tile(int position) const {
    return data + cache_tile_offset(format, head_dim, capacity, 0, position % capacity);
  }
  /// Of an int8 tile: the scales of the position and the next; the position is even.
  __device__ float2 two_scales(int position) const {
    const unsigned at = cache_scale_offset(head_dim, position % kCacheTile);
    return *reinterpret_cast<const float2*>(tile(position) + at);
  }
};

}  // namespace gemma2::cuda
