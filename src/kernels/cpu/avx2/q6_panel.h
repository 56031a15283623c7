// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times many columns: a tile (256 k of 16 rows) is unpacked once into 5 KB of the first-level
// cache, then all columns pass over it, four at a time. A block of 16 rows x 4 columns holds eight
// sums in registers; each four k take two loads of weights and four broadcasts for eight products.
// The eight 32-bit and eight float sums of a block stay in the first-level cache: they are touched
// once in 32 k.
//
// The first block of columns asks for the following tile while it multiplies: memory would
// otherwise idle until the tile is unpacked, and then be waited for.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/cpu/avx2/q6_tile.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu::avx2 {

template <class Dot>
class Q6Panel {
 public:
  /// tile: as packed; d: its 16 scales, half precision; next: the tile that will be wanted next.
  void unpack(const std::byte* tile, const std::byte* d, const std::byte* next) noexcept {
    next_ = next;
    for (int g = 0; g < kGroups; ++g) {
      const std::byte* quarter = tile + static_cast<std::size_t>(g / 4) * kQ6QuarterBytes;
      const std::byte* quants = quarter + 64 + static_cast<std::size_t>(g % 4) * kQ6GroupBytes;
      for (int half = 0; half < 2; ++half) {
        const Q6Group group = unpack_group(quants + 32 * half);
        for (int q = 0; q < 4; ++q) quad_[g][q][half] = group.quad[q];
        scale_[g][half] = Dot::scales(quarter + 16 * (g % 4) + 8 * half);
      }
    }
    for (int half = 0; half < 2; ++half) d_[half] = _mm256_cvtph_ps(load_128(d + 16 * half));
  }

  /// out[c * out_stride + row] (first: 0) becomes fma(d, products of the tile, out).
  template <int columns>
  void multiply(float* out, std::size_t out_stride, const ActivationBlock* const (&x)[columns],
                bool first) noexcept {
    __m256 t[columns][2];
    for (auto& column : t) column[0] = column[1] = _mm256_setzero_ps();
    for (int b = 0; b < kGroups / 2; ++b) {
      if (next_ != nullptr)
        prefetch(next_ + kBlockBytes * static_cast<std::size_t>(b), kBlockBytes);
      multiply_block<columns>(t, x, b);
    }
    next_ = nullptr;
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      for (int half = 0; half < 2; ++half) {
        const __m256 sum = first ? _mm256_setzero_ps() : _mm256_loadu_ps(to + 8 * half);
        _mm256_storeu_ps(to + 8 * half, _mm256_fmadd_ps(d_[half], t[c][half], sum));
      }
    }
  }

 private:
  static constexpr int kGroups = kQ6Block / kQ6Group;
  static constexpr std::size_t kBlockBytes = kQ6TileBytes / 8;  // of 32 k, as packed

  /// sums[c] = the sums of group g with column c.
  template <int columns>
  void multiply_group(__m256i (&sums)[columns][2], const ActivationBlock* const (&x)[columns],
                      int g) const noexcept {
    for (int c = 0; c < columns; ++c) sums[c][0] = sums[c][1] = Dot::start(*x[c], g);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const __m256i low = quad_[g][q][0];
      const __m256i high = quad_[g][q][1];
      for (int c = 0; c < columns; ++c) {
        const __m256i activations = broadcast_word(x[c]->value + kQ6Group * g + 4 * q);
        Dot::add(sums[c][0], low, activations);
        Dot::add(sums[c][1], high, activations);
      }
    }
  }

  /// t[c] = fma(the exact products of 32 k, the activations' scale, t[c])
  template <int columns>
  void multiply_block(__m256 (&t)[columns][2], const ActivationBlock* const (&x)[columns],
                      int b) const noexcept {
    __m256i sums[columns][2];
    __m256i total[columns][2];
    multiply_group<columns>(sums, x, 2 * b);
    for (int c = 0; c < columns; ++c) {
      for (int half = 0; half < 2; ++half) {
        total[c][half] = _mm256_madd_epi16(sums[c][half], scale_[2 * b][half]);
      }
    }
    multiply_group<columns>(sums, x, 2 * b + 1);
    for (int c = 0; c < columns; ++c) {
      const __m256 x_scale = _mm256_set1_ps(x[c]->scale[b]);
      for (int half = 0; half < 2; ++half) {
        const __m256i products = _mm256_add_epi32(
            total[c][half], _mm256_madd_epi16(sums[c][half], scale_[2 * b + 1][half]));
        t[c][half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), x_scale, t[c][half]);
      }
    }
  }

  __m256i quad_[kGroups][4][2];  // [k / 4][half of the rows]
  __m256i scale_[kGroups][2];
  __m256 d_[2];
  const std::byte* next_;  // to be prefetched by the first multiply; null: done
};

}  // namespace gemma2::cpu::avx2
