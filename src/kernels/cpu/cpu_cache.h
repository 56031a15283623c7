// SPDX-License-Identifier: Apache-2.0
//
// Where a position's keys and values lie in a CacheView: tiles of 64 positions that the attention
// kernels read front to back (kernel_table.h draws them), one plane for each key/value head.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/backend.h"

namespace gemma2::cpu {

struct CacheGeometry {
  int num_kv_heads;
  int head_dim;

  [[nodiscard]] std::size_t bytes_per_position(DType type) const noexcept {  // keys and values
    return 2 * static_cast<std::size_t>(num_kv_heads) * static_cast<std::size_t>(head_dim) *
           cache_element_bytes(type);
  }
  /// Keys, or values, of the tile of 64 positions that holds `slot`, for one head.
  [[nodiscard]] std::size_t tile_offset(const CacheView& cache, int kv_head,
                                        int slot) const noexcept;
};

/// Stores one position. keys, values: [num_kv_heads * head_dim].
void append_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                     const float* keys, const float* values) noexcept;

/// One position in the order of heads and dimensions: keys, then values, in the cache's type.
void read_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                   std::byte* to) noexcept;
void write_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                    const std::byte* from) noexcept;

}  // namespace gemma2::cpu
