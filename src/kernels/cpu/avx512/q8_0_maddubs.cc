// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 without VNNI. vpmaddubsw wants one unsigned side: |weight| <= 128 times the activation with
// the weight's sign. A pair of products is at most 2 * 128 * 127 = 32512, so each is widened with
// vpmaddwd before anything is added to it. AVX-512 has no vpsignb: a mask of the negative weights
// subtracts those lanes of the activations from zero.
#include <cstring>

#include "kernels/cpu/avx512/column_blocks.h"
#include "kernels/cpu/avx512/lanes.h"
#include "kernels/cpu/avx512/q6_k_group.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx512 {
namespace {

constexpr std::size_t kPrefetchBytes = 4096;

struct Q8Kernel {
  static constexpr int kColumns = 8;

  /// products[c] = 16 rows of 32 k times column c, exact.
  template <int columns>
  [[gnu::always_inline]] static void multiply_block(
      __m512i (&products)[columns], const std::byte* quads,
      const std::int8_t* const (&x)[columns]) noexcept {
    for (__m512i& p : products) p = _mm512_setzero_si512();
#pragma GCC unroll 2
    for (int q = 0; q < 8; ++q) {
      const __m512i weights =
          _mm512_xor_si512(_mm512_load_si512(quads + 64 * q), _mm512_set1_epi8(-128));
      const __m512i magnitude = _mm512_abs_epi8(weights);
      const __mmask64 negative = _mm512_movepi8_mask(weights);
#pragma GCC unroll 8
      for (int c = 0; c < columns; ++c) {
        std::int32_t word = 0;
        std::memcpy(&word, x[c] + 4 * q, sizeof(word));
        const __m512i values = _mm512_set1_epi32(word);
        const __m512i activations =
            _mm512_mask_sub_epi8(values, negative, _mm512_setzero_si512(), values);
        const __m512i pairs = _mm512_maddubs_epi16(magnitude, activations);
        products[c] = _mm512_add_epi32(products[c], _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
      }
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    __m512 sum[columns];
    for (__m512& s : sum) s = _mm512_setzero_ps();
    for (int k = 0; k < cols; k += 32) {
      const std::byte* frame = strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
      const int in_frame = k % kQ8FrameCols / 32;
      const std::byte* quads = frame + kQ8ScaleBytes + 512 * in_frame;
      for (int line = 0; line < 9 - in_frame; ++line) {
        _mm_prefetch(quads + kPrefetchBytes + 64 * line, _MM_HINT_T0);
      }
      const int b = k % kActivationBlock / 32;
      const std::int8_t* values[columns];
      float x_scale[columns];
      for (int c = 0; c < columns; ++c) {
        const ActivationBlock* block = blocks_of(x, c, k);
        values[c] = block->value + 32 * b;
        x_scale[c] = block->scale[b];
      }
      __m512i products[columns];
      multiply_block<columns>(products, quads, values);
      const __m512 d = load_16_halves(frame + 32 * in_frame);
      for (int c = 0; c < columns; ++c) {
        const __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(x_scale[c]));
        sum[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[c]), scale, sum[c]);
      }
    }
    for (int c = 0; c < columns; ++c) {
      _mm512_storeu_ps(out + static_cast<std::size_t>(c) * out_stride, sum[c]);
    }
  }
};

}  // namespace

void install_q8_0_maddubs(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q8_0)];
  kernels.matmul = FewColumns<Q8Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q8Decoder, 2, 8>::matmul;
}

}  // namespace gemma2::cpu::avx512
