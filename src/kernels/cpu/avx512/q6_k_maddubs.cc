// SPDX-License-Identifier: Apache-2.0
//
// Q6_K without VNNI. Six-bit weights stay unsigned: a pair of products is at most 2 * 63 * 127 =
// 16002, so two of them add up in 16 bits, and vpmaddwd with the sub-scale in both halves of a lane
// widens to 32. What the offset of 32 adds, 32 * sum of the activations * sub-scale, is one more
// vpmaddwd for each 32 k: the quantizer keeps |sum| of 16 at or below 1023, so 32 * sum fits too.
// Six columns share an unpacked group; registers: 6 sums, 6 partial sums of the tile, 4 of
// weights.
#include <cstring>

#include "kernels/cpu/avx512/column_blocks.h"
#include "kernels/cpu/avx512/lanes.h"
#include "kernels/cpu/avx512/q6_k_group.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx512 {
namespace {

constexpr std::size_t kPrefetchBytes = 4096;

[[gnu::always_inline]] inline __m512i broadcast_word(const void* from) noexcept {
  std::int32_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return _mm512_set1_epi32(word);
}

/// -32 * sum of each of a block's 16 groups, in 16 bits.
[[gnu::always_inline]] inline void store_offsets(std::int16_t (&offset)[16],
                                                 const ActivationBlock& x) noexcept {
  const __m512i sums = _mm512_slli_epi32(_mm512_loadu_si512(x.sum), 5);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(offset),
                      _mm512_cvtepi32_epi16(_mm512_sub_epi32(_mm512_setzero_si512(), sums)));
}

struct Q6Kernel {
  static constexpr int kColumns = 6;  // spills a few sums already; not timed

  /// Sub-scale times the products of one group with one column.
  [[gnu::always_inline]] static __m512i scaled_products(const Q6Group& group, __m512i scale,
                                                        const std::int8_t* x) noexcept {
    const auto product = [&](int q) __attribute__((always_inline)) {
      return _mm512_maddubs_epi16(group.quad[q], broadcast_word(x + 4 * q));
    };
    const __m512i first = _mm512_add_epi16(product(0), product(1));
    const __m512i second = _mm512_add_epi16(product(2), product(3));
    return _mm512_add_epi32(_mm512_madd_epi16(first, scale), _mm512_madd_epi16(second, scale));
  }

  /// t += pair `half` of a quarter: block b of 32 k of the tile.
  template <int columns>
  [[gnu::always_inline]] static void multiply_pair(__m512 (&t)[columns], const std::byte* quarter,
                                                   int half,
                                                   const ActivationBlock* const (&x)[columns],
                                                   const std::int16_t (&offset)[columns][16],
                                                   int b) noexcept {
    const __m512i both = scale_pairs(quarter + 32 * half);
    // One sub-scale in both halves of a lane: 0xCA takes the second where the first has ones.
    const __m512i low = _mm512_set1_epi32(0xFFFF);
    const __m512i scales[2] = {
        _mm512_ternarylogic_epi32(low, both, _mm512_slli_epi32(both, 16), 0xCA),
        _mm512_ternarylogic_epi32(low, _mm512_srli_epi32(both, 16), both, 0xCA)};
    __m512i sum[columns];
    for (__m512i& v : sum) v = _mm512_setzero_si512();
#pragma GCC unroll 2
    for (int g = 0; g < 2; ++g) {
      const Q6Group group =
          unpack_group(quarter + 64 + static_cast<std::size_t>(2 * half + g) * kQ6GroupBytes);
      for (int c = 0; c < columns; ++c) {
        const std::int8_t* value = x[c]->value + 32 * b + 16 * g;
        sum[c] = _mm512_add_epi32(sum[c], scaled_products(group, scales[g], value));
      }
    }
    for (int c = 0; c < columns; ++c) {
      const __m512i offsets = _mm512_madd_epi16(both, broadcast_word(offset[c] + 2 * b));
      t[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(sum[c], offsets)),
                             _mm512_set1_ps(x[c]->scale[b]), t[c]);
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const ActivationBlock* column[columns];
    for (int c = 0; c < columns; ++c) column[c] = blocks_of(x, c, 0);
    const std::byte* quarter = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block) {
      std::int16_t offset[columns][16];
      for (int c = 0; c < columns; ++c) store_offsets(offset[c], *column[c]);
      __m512 t[columns];
      for (__m512& v : t) v = _mm512_setzero_ps();
      for (int q = 0; q < 4; ++q, quarter += kQ6QuarterBytes) {
        for (std::size_t line = 0; line < kQ6QuarterBytes; line += 64) {
          _mm_prefetch(quarter + kPrefetchBytes + line, _MM_HINT_T0);
        }
        multiply_pair<columns>(t, quarter, 0, column, offset, 2 * q);
        multiply_pair<columns>(t, quarter, 1, column, offset, 2 * q + 1);
      }
      const __m512 d = load_16_halves(strip + 32 * static_cast<std::size_t>(block));
      const __mmask16 continued = block == 0 ? __mmask16{0} : __mmask16{0xFFFF};
      for (int c = 0; c < columns; ++c) {
        float* to = out + static_cast<std::size_t>(c) * out_stride;
        _mm512_storeu_ps(to, _mm512_fmadd_ps(d, t[c], _mm512_maskz_loadu_ps(continued, to)));
        ++column[c];
      }
    }
  }
};

}  // namespace

void install_q6_k_maddubs(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q6_k)];
  kernels.matmul = FewColumns<Q6Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q6Decoder, 2, 8>::matmul;
}

}  // namespace gemma2::cpu::avx512
