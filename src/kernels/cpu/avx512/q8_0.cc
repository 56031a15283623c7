// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 times 8-bit activations with vpdpbusd; the plan of q6_k.cc without the unpacking. Weights
// are stored as value + 128, and the accumulator starts at -128 * (sum of the activations).
#include <cstring>

#include <immintrin.h>

#include "kernels/cpu/avx512/lanes.h"
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/integer_matmul.h"

namespace gemma2::cpu::avx512_vnni {
namespace {

using avx512::Lanes;

constexpr std::size_t kPrefetchBytes = 4096;

struct Q8Kernel {
  static constexpr int kColumns = 8;

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    __m512 sum[columns];
    for (__m512& s : sum) s = _mm512_setzero_ps();
    for (int k = 0; k < cols; k += 32) {
      const std::byte* frame = strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
      const int half = k % kQ8FrameCols / 32;
      const std::byte* quads = frame + kQ8ScaleBytes + half * 512;
      if (columns == 1) {
        for (int i = 0; i < 9 - half; ++i) {
          _mm_prefetch(quads + kPrefetchBytes + 64 * i, _MM_HINT_T0);
        }
      }
      const __m512 d =
          _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(frame + 32 * half)));
      const int b = k % kActivationBlock / 32;
      __m512i products[columns];
      const ActivationBlock* block[columns];
      for (int c = 0; c < columns; ++c) {
        block[c] = IntegerMatmul<Q8Kernel>::blocks_of(x, c) + k / kActivationBlock;
        products[c] = _mm512_set1_epi32(-128 * (block[c]->sum[2 * b] + block[c]->sum[2 * b + 1]));
      }
      for (int q = 0; q < 8; ++q) {
        const __m512i weights = _mm512_load_si512(quads + 64 * q);
        for (int c = 0; c < columns; ++c) {
          std::int32_t word = 0;
          std::memcpy(&word, block[c]->value + 32 * b + 4 * q, sizeof(word));
          products[c] = _mm512_dpbusd_epi32(products[c], weights, _mm512_set1_epi32(word));
        }
      }
      for (int c = 0; c < columns; ++c) {
        const __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(block[c]->scale[b]));
        sum[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[c]), scale, sum[c]);
      }
    }
    for (int c = 0; c < columns; ++c) {
      _mm512_storeu_ps(out + static_cast<std::size_t>(c) * out_stride, sum[c]);
    }
  }
};

}  // namespace

void install_q8_0(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q8_0)];
  kernels.matmul = IntegerMatmul<Q8Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q8Decoder, 2, 8>::matmul;
}

}  // namespace gemma2::cpu::avx512_vnni
