// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times a few columns, which is as fast as weights arrive from memory. Several strips advance
// together, 32 k at a time: a core's prefetchers follow several streams further than one, and a
// broadcast activation serves them all. Bytes read for each output: cols * 210 / 256.
#pragma once

#include <cstddef>

#include <immintrin.h>

#include "kernels/cpu/avx2/q6_tile.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu::avx2 {

template <class Dot, int columns>
struct Q6Stream {
  /// A block of 256 k of every column, each four of its values in all lanes.
  struct Input {
    const ActivationBlock* block[columns];
    __m256i quad[kQ6Block / 4][columns];

    void broadcast() noexcept {
      for (int q = 0; q < kQ6Block / 4; ++q) {
        for (int c = 0; c < columns; ++c) quad[q][c] = broadcast_word(block[c]->value + 4 * q);
      }
    }
  };

  /// total += sub-scale times the products of group `group` of eight rows.
  static void add_group(__m256i (&total)[columns], const std::byte* quants, const std::byte* scales,
                        const Input& x, int group) noexcept {
    const Q6Group weights = unpack_group(quants);
    const __m256i scale = Dot::scales(scales);
    for (int c = 0; c < columns; ++c) {
      __m256i sum = Dot::start(*x.block[c], group);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) Dot::add(sum, weights.quad[q], x.quad[4 * group + q][c]);
      total[c] = _mm256_add_epi32(total[c], _mm256_madd_epi16(sum, scale));
    }
  }

  /// t[c] = fma(the exact products of the 32 k of block b, the activations' scale, t[c]), of the
  /// strip whose quarter is given.
  static void add_block(__m256 (&t)[2][columns], const std::byte* quarter, const Input& x,
                        int b) noexcept {
    const std::byte* scales = quarter + 32 * (b % 2);
    const std::byte* quants = quarter + 64 + 2 * kQ6GroupBytes * static_cast<std::size_t>(b % 2);
    prefetch(quants + kAhead, 2 * kQ6GroupBytes);
    for (int half = 0; half < 2; ++half) {
      __m256i total[columns];
      for (__m256i& v : total) v = _mm256_setzero_si256();
      for (int g = 0; g < 2; ++g) {
        add_group(total, quants + static_cast<std::size_t>(g) * kQ6GroupBytes + 32 * half,
                  scales + 16 * g + 8 * half, x, 2 * b + g);
      }
      for (int c = 0; c < columns; ++c) {
        const __m256 x_scale = _mm256_set1_ps(x.block[c]->scale[b]);
        t[half][c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(total[c]), x_scale, t[half][c]);
      }
    }
  }

  template <int strips>
  static void multiply(float* out, std::size_t out_stride, const std::byte* strip,
                       std::size_t strip_bytes, int cols, const Columns& columns_of_x) noexcept {
    Input x;
    for (int c = 0; c < columns; ++c) x.block[c] = blocks_of(columns_of_x, c);
    __m256 sum[strips][2][columns] = {};
    const std::byte* tile = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block, tile += kQ6TileBytes) {
      x.broadcast();
      __m256 t[strips][2][columns] = {};
      for (int b = 0; b < 8; ++b) {
        const std::byte* quarter = tile + static_cast<std::size_t>(b / 2) * kQ6QuarterBytes;
#pragma GCC unroll 1
        for (int s = 0; s < strips; ++s, quarter += strip_bytes) add_block(t[s], quarter, x, b);
      }
      const std::byte* d = strip + 32 * static_cast<std::size_t>(block);
      for (int s = 0; s < strips; ++s, d += strip_bytes) {
        for (int half = 0; half < 2; ++half) {
          const __m256 scale = _mm256_cvtph_ps(load_128(d + 16 * half));
          for (int c = 0; c < columns; ++c) {
            sum[s][half][c] = _mm256_fmadd_ps(scale, t[s][half][c], sum[s][half][c]);
          }
        }
      }
      for (const ActivationBlock*& at : x.block) ++at;
    }
    for (int s = 0; s < strips; ++s) {
      for (int c = 0; c < columns; ++c) {
        float* to = out + static_cast<std::size_t>(c) * out_stride + kStripRows * s;
        _mm256_storeu_ps(to, sum[s][0][c]);
        _mm256_storeu_ps(to + 8, sum[s][1][c]);
      }
    }
  }

  static constexpr int kStrips = columns == 1 ? 4 : 8;             // that advance together
  static constexpr std::size_t kAhead = columns == 1 ? 768 : 576;  // bytes asked for, of each

  /// Strips from `s` on, `strips` at a time, then the rest in smaller numbers.
  template <int strips>
  static void from(int s, float* out, std::size_t out_stride, const Strips& w,
                   const Columns& x) noexcept {
    for (; s + strips <= w.count; s += strips) {
      multiply<strips>(out + kStripRows * s, out_stride,
                       w.data + static_cast<std::size_t>(s) * w.strip_bytes, w.strip_bytes, w.cols,
                       x);
    }
    if constexpr (strips > 1) from<strips == 8 ? 4 : 1>(s, out, out_stride, w, x);
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    from<kStrips>(0, out, out_stride, w, x);
  }
};

}  // namespace gemma2::cpu::avx2
