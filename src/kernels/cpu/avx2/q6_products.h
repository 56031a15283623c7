// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times 8-bit activations. Lane = row: a register holds four k of eight rows, and nothing is
// ever summed across lanes (q6_tile.h has the arithmetic).
//
// One column takes both halves of a strip together, so that each cache line is read once and
// forward; two and three take one half after the other, whose sums fill the registers; more columns
// go through a panel (q6_panel.h). Bytes read for each output: cols * 210 / 256.
#pragma once

#include "kernels/cpu/avx2/q6_panel.h"

namespace gemma2::cpu::avx2 {

/// `halves` halves of a strip, from the one that `strip` and `quarter` point to, times few columns.
template <class Dot, int columns, int halves>
struct Q6Few {
  /// t[c] = fma(the exact products of 32 k, the activations' scale, t[c])
  static void multiply_block(__m256 (&t)[halves][columns], const std::byte* scales,
                             const std::byte* quants, const ActivationBlock* const (&x)[columns],
                             int b) noexcept {
    __m256i total[halves][columns];
    for (int g = 0; g < 2; ++g) {
      const int group = 2 * b + g;
      for (int half = 0; half < halves; ++half) {
        const Q6Group weights =
            unpack_group(quants + static_cast<std::size_t>(g) * kQ6GroupBytes + 32 * half);
        const __m256i scale = Dot::scales(scales + 16 * g + 8 * half);
        for (int c = 0; c < columns; ++c) {
          __m256i sum = Dot::start(*x[c], group);
          for (int q = 0; q < 4; ++q) {
            Dot::add(sum, weights.quad[q], broadcast_word(x[c]->value + kQ6Group * group + 4 * q));
          }
          sum = _mm256_madd_epi16(sum, scale);
          total[half][c] = g == 0 ? sum : _mm256_add_epi32(total[half][c], sum);
        }
      }
    }
    for (int c = 0; c < columns; ++c) {
      const __m256 x_scale = _mm256_set1_ps(x[c]->scale[b]);
      for (int half = 0; half < halves; ++half) {
        t[half][c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(total[half][c]), x_scale, t[half][c]);
      }
    }
  }

  static void tile(__m256 (&t)[halves][columns], const std::byte* tile, int first_half,
                   const ActivationBlock* const (&x)[columns]) noexcept {
    for (auto& half : t) {
      for (__m256& v : half) v = _mm256_setzero_ps();
    }
    for (int q = 0; q < 4; ++q) {
      const std::byte* quarter = tile + static_cast<std::size_t>(q) * kQ6QuarterBytes;
      const std::byte* scales = quarter + 8 * first_half;
      const std::byte* quants = quarter + 64 + 32 * first_half;
      if (first_half == 0) prefetch(quarter, 448);
      multiply_block(t, scales, quants, x, 2 * q);
      if (first_half == 0) prefetch(quarter + 448, 384);
      multiply_block(t, scales + 32, quants + 2 * kQ6GroupBytes, x, 2 * q + 1);
    }
  }
};

template <class Dot>
struct Q6Products {
  static constexpr int kFewColumns = 3;
  static constexpr int kPanelStrips = 2;  // panels that one pass over the columns serves

  template <int columns>
  static void multiply_few(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                           const Columns& x) noexcept {
    constexpr int kHalves = columns <= 1 ? 2 : 1;
    using Few = Q6Few<Dot, columns, kHalves>;
    const ActivationBlock* column[columns];
    for (int c = 0; c < columns; ++c) column[c] = blocks_of(x, c);
    __m256 sum[2][columns];
    for (auto& half : sum) {
      for (__m256& s : half) s = _mm256_setzero_ps();
    }
    const std::byte* tile = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block, tile += kQ6TileBytes) {
      const std::byte* d = strip + 32 * static_cast<std::size_t>(block);
      for (int first = 0; first < 2; first += kHalves) {
        __m256 t[kHalves][columns];
        Few::tile(t, tile, first, column);
        for (int half = 0; half < kHalves; ++half) {
          const __m256 scale = _mm256_cvtph_ps(load_128(d + 16 * (first + half)));
          for (int c = 0; c < columns; ++c) {
            sum[first + half][c] = _mm256_fmadd_ps(scale, t[half][c], sum[first + half][c]);
          }
        }
      }
      for (const ActivationBlock*& c : column) ++c;
    }
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      _mm256_storeu_ps(to, sum[0][c]);
      _mm256_storeu_ps(to + 8, sum[1][c]);
    }
  }

  /// All columns from `c` on, in blocks of `columns`, then the rest in smaller blocks.
  template <int columns>
  static void pass_columns(int c, float* out, std::size_t out_stride, const Q6Panel<Dot>* panels,
                           int strips, const Columns& x, int block) noexcept {
    for (; c + columns <= x.count; c += columns) {
      const ActivationBlock* column[columns];
      for (int i = 0; i < columns; ++i) column[i] = blocks_of(x, c + i) + block;
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      for (int s = 0; s < strips; ++s) {
        panels[s].template multiply<columns>(to + kStripRows * s, out_stride, column, block == 0);
      }
    }
    if constexpr (columns > 1) {
      pass_columns<columns / 2>(c, out, out_stride, panels, strips, x, block);
    }
  }

  static void multiply_many(float* out, std::size_t out_stride, const Strips& w,
                            const Columns& x) noexcept {
    Q6Panel<Dot> panels[kPanelStrips];
    for (int first = 0; first < w.count; first += kPanelStrips) {
      const int strips = w.count - first < kPanelStrips ? w.count - first : kPanelStrips;
      for (int block = 0; block < w.cols / kQ6Block; ++block) {
        for (int s = 0; s < strips; ++s) {
          const std::byte* strip = w.data + static_cast<std::size_t>(first + s) * w.strip_bytes;
          panels[s].unpack(
              strip + q6_k_tiles_offset(w.cols) + static_cast<std::size_t>(block) * kQ6TileBytes,
              strip + 32 * static_cast<std::size_t>(block));
        }
        pass_columns<4>(0, out + kStripRows * first, out_stride, panels, strips, x, block);
      }
    }
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    if (x.count > kFewColumns) return multiply_many(out, out_stride, w, x);
    for (int s = 0; s < w.count; ++s) {
      const std::byte* strip = w.data + static_cast<std::size_t>(s) * w.strip_bytes;
      float* to = out + kStripRows * s;
      switch (x.count) {
        case 1:
          multiply_few<1>(to, out_stride, strip, w.cols, x);
          break;
        case 2:
          multiply_few<2>(to, out_stride, strip, w.cols, x);
          break;
        case 3:
          multiply_few<3>(to, out_stride, strip, w.cols, x);
          break;
        case 4:
          multiply_few<4>(to, out_stride, strip, w.cols, x);
          break;
        default:
          break;
      }
    }
  }
};

}  // namespace gemma2::cpu::avx2
