// SPDX-License-Identifier: Apache-2.0
//
// The loops of BF16 weights, which are multiplied as they lie: 64 bytes are a pair of k of 16 rows.
// One accumulator an output, pairs in ascending k. A Product says how a pair is multiplied:
//   static constexpr int kColumns;             // of a tile of 32 rows
//   static constexpr int kFewColumns;          // at most as many take four strips at once
//   static constexpr std::size_t kValueBytes;  // of an activation
//   struct Weights;  static Weights weights(const std::byte* pair_of_16_rows);
//   struct Activations;  static Activations activations(const std::byte* pair);
//   static __m512 multiply(__m512 sum, Weights w, Activations x);
// Many columns take tiles of 32 rows; a chunk of 256 k of two strips is 16 KB and stays in the
// first-level cache while all columns pass.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx512/column_blocks.h"
#include "kernels/cpu/avx512/intrinsics.h"

namespace gemma2::cpu::avx512 {

template <class Product>
struct Bf16Tiles {
  static constexpr int kColumns = Product::kColumns;
  static constexpr int kChunk = 256;
  static constexpr std::size_t kPrefetchBytes = 2048;
  using Weights = typename Product::Weights;
  using Activations = typename Product::Activations;

  struct Panel {
    const std::byte* strip[2];
    int first;
    int last;
  };

  static const std::byte* stored(const Strips& pair, int strip, int first) noexcept {
    return pair.data + static_cast<std::size_t>(strip) * pair.strip_bytes +
           32 * static_cast<std::size_t>(first);
  }
  static void open(Panel& panel, const Strips& pair, int first, int last) noexcept {
    panel = {{stored(pair, 0, first), stored(pair, 1, first)}, first, last};
  }

  /// out = or += `pairs` pairs of k. Calls ask_for(pair) before each.
  template <int strips, int columns, class AskFor>
  [[gnu::always_inline]] static void multiply(float* out, std::size_t out_stride,
                                              const std::byte* const (&strip)[strips],
                                              const std::byte* column, std::size_t stride,
                                              int pairs, bool first, AskFor ask_for) noexcept {
    const __mmask16 continued = first ? __mmask16{0} : __mmask16{0xFFFF};
    __m512 sum[strips][columns];
    for (int c = 0; c < columns; ++c) {
      const float* from = out + static_cast<std::size_t>(c) * out_stride;
      for (int s = 0; s < strips; ++s) {
        sum[s][c] = _mm512_maskz_loadu_ps(continued, from + kStripRows * s);
      }
    }
    for (std::size_t pair = 0; pair < static_cast<std::size_t>(pairs); ++pair) {
      ask_for(pair);
      Weights weights[strips];
      for (int s = 0; s < strips; ++s) weights[s] = Product::weights(strip[s] + 64 * pair);
      for (int c = 0; c < columns; ++c) {
        const Activations x = Product::activations(column + static_cast<std::size_t>(c) * stride +
                                                   2 * Product::kValueBytes * pair);
        for (int s = 0; s < strips; ++s) sum[s][c] = Product::multiply(sum[s][c], weights[s], x);
      }
    }
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      for (int s = 0; s < strips; ++s) _mm512_storeu_ps(to + kStripRows * s, sum[s][c]);
    }
  }

  template <int columns>
  static void tile(float* out, std::size_t out_stride, const Panel& panel, const Columns& x,
                   Ahead ahead) noexcept {
    const std::byte* column = x.data + Product::kValueBytes * static_cast<std::size_t>(panel.first);
    // With nothing to ask for, the lines that are read anyway: cheaper than a branch in the loop.
    const std::byte* even = ahead.strip[0] != nullptr ? ahead.strip[0] : panel.strip[0];
    const std::byte* odd = ahead.strip[1] != nullptr ? ahead.strip[1] : panel.strip[1];
    multiply<2, columns>(
        out, out_stride, panel.strip, column, x.stride, (panel.last - panel.first + 1) / 2,
        panel.first == 0, [&](std::size_t pair) __attribute__((always_inline)) {
          _mm_prefetch(even + 64 * pair, _MM_HINT_T1);
          _mm_prefetch(odd + 64 * pair, _MM_HINT_T1);
        });
  }

  /// All k of `strips` strips, from memory.
  template <int strips, int columns>
  static void stream(float* out, std::size_t out_stride, const std::byte* const (&strip)[strips],
                     int cols, const Columns& x) noexcept {
    multiply<strips, columns>(
        out, out_stride, strip, x.data, x.stride, (cols + 1) / 2,
        true, [&](std::size_t pair) __attribute__((always_inline)) {
          for (const std::byte* s : strip) {
            _mm_prefetch(s + 64 * pair + kPrefetchBytes, _MM_HINT_T0);
          }
        });
  }

  struct OneStrip {
    static constexpr int kColumns = Bf16Tiles::kColumns;
    template <int columns>
    static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                      const Columns& x) noexcept {
      stream<1, columns>(out, out_stride, {strip}, cols, x);
    }
  };
  /// Four strips, w.count of them: few columns alone would not fill the pipelines.
  struct FourStrips {
    static constexpr int kColumns = Product::kFewColumns;
    template <int columns>
    static void strips(float* out, std::size_t out_stride, const Strips& w,
                       const Columns& x) noexcept {
      const std::byte* const strip[4] = {w.data, w.data + w.strip_bytes, w.data + 2 * w.strip_bytes,
                                         w.data + 3 * w.strip_bytes};
      stream<4, columns>(out, out_stride, strip, w.cols, x);
    }
  };

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    int done = 0;
    if (x.count <= Product::kFewColumns) {
      for (; done + 4 <= w.count; done += 4) {
        StripGroups<FourStrips>::kEntries[x.count - 1](out + kStripRows * done, out_stride,
                                                       rest_of(w, done), x);
      }
    } else {
      ManyColumns<Bf16Tiles>::matmul(out, out_stride, w, x);
      done = w.count / 2 * 2;
    }
    FewColumns<OneStrip>::matmul(out + kStripRows * done, out_stride, rest_of(w, done), x);
  }
};

}  // namespace gemma2::cpu::avx512
