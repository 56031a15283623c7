// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 times 8-bit activations; lane = row as in q6_products.h. A Dot type multiplies quads of k:
// SignDot here, ByteDot (q8_0_vnni.cc) where there is AVX-VNNI. Packed weights are value + 128.
//
// A block of 16 rows x 4 columns holds eight sums in registers; each four k take two loads of
// weights and four broadcasts for eight products.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/cpu/avx2/integer_products.h"
#include "kernels/cpu/avx2/lanes.h"
#include "kernels/cpu/integer_matmul.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu::avx2 {

/// maddubs wants one unsigned side: |weight| <= 128 times the activation with the weight's sign. A
/// pair of products is at most 2 * 128 * 127 = 32512, so each is widened before anything is added.
struct SignDot {
  struct Weights {
    __m256i value;
    __m256i size;
  };
  static Weights weights(__m256i stored) noexcept {
    const __m256i value = _mm256_xor_si256(stored, _mm256_set1_epi8(-128));
    return {value, _mm256_abs_epi8(value)};
  }
  static __m256i start(std::int32_t /*sum of the activations*/) noexcept {
    return _mm256_setzero_si256();
  }
  /// `sum` is made opaque: gcc would otherwise add the products as a tree, which takes so many
  /// registers that it is an eighth slower.
  static void add(__m256i& sum, const Weights& weights, __m256i activations) noexcept {
    const __m256i pairs =
        _mm256_maddubs_epi16(weights.size, _mm256_sign_epi8(activations, weights.value));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    asm("" : "+x"(sum));
  }
};

template <class Dot>
struct Q8Kernel {
  static constexpr int kColumns = 4;
  static constexpr int kStreams = 4;
  static constexpr std::size_t kAhead = 1024;  // bytes of each stream asked for before their turn

  /// products[half][c] = 32 k of 16 rows times column c, exact. `quads`: the rows' first quad.
  template <int columns>
  static void multiply_block(__m256i (&products)[2][columns], const std::byte* quads,
                             const std::int8_t* const (&x)[columns],
                             const std::int32_t (&x_sum)[columns]) noexcept {
    for (int c = 0; c < columns; ++c) products[0][c] = products[1][c] = Dot::start(x_sum[c]);
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) {
      const auto low = Dot::weights(load_256(quads + 64 * q));
      const auto high = Dot::weights(load_256(quads + 64 * q + 32));
      for (int c = 0; c < columns; ++c) {
        const __m256i activations = broadcast_word(x[c] + 4 * q);
        Dot::add(products[0][c], low, activations);
        Dot::add(products[1][c], high, activations);
      }
    }
  }

  /// Activations of 32 k from `k` on, of every column.
  template <int columns>
  struct Input {
    const std::int8_t* values[columns];
    std::int32_t sum[columns];
    float scale[columns];

    Input(const Columns& x, int k) noexcept {
      const int b = k % kActivationBlock / 32;
      for (int c = 0; c < columns; ++c) {
        const ActivationBlock& block = blocks_of(x, c)[k / kActivationBlock];
        values[c] = block.value + 32 * b;
        sum[c] = block.sum[2 * b] + block.sum[2 * b + 1];
        scale[c] = block.scale[b];
      }
    }
  };

  /// sum = fma(the exact products of 32 k, d * the activations' scale, sum), of one strip.
  template <int columns>
  static void add_block(__m256 (&sum)[2][columns], const std::byte* frame, int in_frame,
                        const Input<columns>& x) noexcept {
    __m256i products[2][columns];
    multiply_block<columns>(products, frame + kQ8ScaleBytes + 512 * in_frame, x.values, x.sum);
    for (int half = 0; half < 2; ++half) {
      const __m256 d = _mm256_cvtph_ps(load_128(frame + 32 * in_frame + 16 * half));
      for (int c = 0; c < columns; ++c) {
        const __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(x.scale[c]));
        sum[half][c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products[half][c]), scale, sum[half][c]);
      }
    }
  }

  /// `strips` strips that advance together, 32 k at a time.
  template <int strips, int columns>
  static void advance(float* out, std::size_t out_stride, const Strips& w,
                      const Columns& x) noexcept {
    __m256 sum[strips][2][columns] = {};
    for (int k = 0; k < w.cols; k += 32) {
      const Input<columns> input(x, k);
      const int in_frame = k % kQ8FrameCols / 32;
      const std::byte* frame = w.data + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
#pragma GCC unroll 1
      for (int s = 0; s < strips; ++s, frame += w.strip_bytes) {
        prefetch(frame + kAhead + 512 * in_frame, 512);
        add_block(sum[s], frame, in_frame, input);
      }
    }
    for (int s = 0; s < strips; ++s) {
      for (int c = 0; c < columns; ++c) {
        float* to = out + static_cast<std::size_t>(c) * out_stride + kStripRows * s;
        _mm256_storeu_ps(to, sum[s][0][c]);
        _mm256_storeu_ps(to + 8, sum[s][1][c]);
      }
    }
  }

  /// Strips from `s` on, `strips` at a time, then the rest one by one.
  template <int strips, int columns>
  static void pass_strips(int s, float* out, std::size_t out_stride, const Strips& w,
                          const Columns& x) noexcept {
    for (; s + strips <= w.count; s += strips) {
      const Strips some = {w.data + static_cast<std::size_t>(s) * w.strip_bytes, strips, w.cols,
                           w.strip_bytes};
      advance<strips, columns>(out + kStripRows * s, out_stride, some, x);
    }
    if constexpr (strips > 1) pass_strips<1, columns>(s, out, out_stride, w, x);
  }

  /// IntegerMatmul's block: one strip times so many columns.
  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    advance<1, columns>(out, out_stride, {strip, 1, cols, 0}, x);
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    // A few columns wait for memory, which several streams keep busier than one; many use a strip
    // while it is in the cache.
    switch (x.count) {
      case 1:
        return pass_strips<kStreams, 1>(0, out, out_stride, w, x);
      case 2:
        return pass_strips<kStreams, 2>(0, out, out_stride, w, x);
      case 3:
        return pass_strips<kStreams, 3>(0, out, out_stride, w, x);
      default:
        return IntegerMatmul<Q8Kernel>::matmul(out, out_stride, w, x);
    }
  }
};

}  // namespace gemma2::cpu::avx2
