// SPDX-License-Identifier: Apache-2.0
//
// Where a position's keys and values lie in a CacheView: tiles of 64 positions that the attention
// kernels read front to back (kernel_table.h draws them), one plane for each key/value head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/backend.h"

namespace gemma2::cpu {

inline constexpr int kMaxHeadDim = 1024;  // as ModelConfig::validate() has it

struct CacheGeometry {
  int num_kv_heads;
  int head_dim;

  [[nodiscard]] std::size_t head_bytes(CacheFormat format) const noexcept {
    return cache_head_bytes(format, head_dim);
  }
  [[nodiscard]] std::size_t bytes_per_position(CacheFormat format) const noexcept {
    return 2 * static_cast<std::size_t>(num_kv_heads) * head_bytes(format);  // keys and values
  }
  /// Keys, or values, of the tile of 64 positions that holds `slot`, for one head.
  [[nodiscard]] std::size_t tile_offset(const CacheView& cache, int kv_head,
                                        int slot) const noexcept;
};

/// Rounds one head's keys or values to 8 bits; returns the scale.
///   amax = largest |x|; scale = amax / 127; value = round to nearest even of x * (127 / amax)
///   amax < 1e-30:    scale = 0, values 0
///   amax not finite: scale = NaN, values 0 (the NaN reaches the logits, where it is reported)
float quantize_head(std::int8_t* out, std::span<const float> x) noexcept;

/// Stores one position. keys, values: [num_kv_heads * head_dim].
void append_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                     const float* keys, const float* values) noexcept;

/// One position in the order of heads and dimensions: keys, then values, in the cache's format; an
/// int8 head is followed by its scale.
void read_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                   std::byte* to) noexcept;
void write_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                    const std::byte* from) noexcept;

}  // namespace gemma2::cpu
