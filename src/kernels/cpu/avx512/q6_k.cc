// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times 8-bit activations with vpdpbusd. Lane = row: one instruction multiplies four k of 16
// rows with four activations broadcast from memory, and nothing is ever summed across lanes.
//
// A group of 16 k is 192 bytes of weights: three loads and about a dozen bit operations yield four
// registers, which every column of the block then uses. The accumulator starts at -32 * (sum of the
// activations), so the weights stay unsigned. Bytes read for each output: cols * 210 / 256.
#include <cstring>

#include <immintrin.h>

#include "kernels/cpu/avx512/lanes.h"
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/integer_matmul.h"

namespace gemma2::cpu::avx512_vnni {
namespace {

using avx512::Lanes;

// Weights stream past once: asking for the lines this far ahead, a little more than a tile, keeps
// the memory busy while the window is full of arithmetic. The distance has not been tuned.
constexpr std::size_t kPrefetchBytes = 4096;

struct Group {
  __m512i quad[4];  // 16 rows x 4 k, values 0 .. 63
};

inline Group unpack_group(const std::byte* at) noexcept {
  const __m512i low01 = _mm512_load_si512(at);
  const __m512i low23 = _mm512_load_si512(at + 64);
  const __m512i high = _mm512_load_si512(at + 128);
  const __m512i low = _mm512_set1_epi8(0x0F);
  const __m512i two = _mm512_set1_epi8(0x30);
  // 0xF8: a | (b & c)
  const auto join = [&](__m512i nibbles, __m512i shifted) {
    return _mm512_ternarylogic_epi32(_mm512_and_si512(nibbles, low), shifted, two, 0xF8);
  };
  return {{join(low01, _mm512_slli_epi16(high, 4)),
           join(_mm512_srli_epi16(low01, 4), _mm512_slli_epi16(high, 2)), join(low23, high),
           join(_mm512_srli_epi16(low23, 4), _mm512_srli_epi16(high, 2))}};
}

inline __m512i broadcast_quad(const std::int8_t* value) noexcept {
  std::int32_t word = 0;
  std::memcpy(&word, value, sizeof(word));
  return _mm512_set1_epi32(word);
}

inline void prefetch(const std::byte* at, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += 64) _mm_prefetch(at + kPrefetchBytes + i, _MM_HINT_T0);
}

/// t[c] += the tile's products with column c, for one tile of 256 k.
template <int columns>
inline void multiply_tile(__m512 (&t)[columns], const std::byte* tile,
                          const ActivationBlock* const (&x)[columns]) noexcept {
  for (int b = 0; b < 8; ++b) {  // blocks of 32 k, two to a quarter
    const std::byte* quarter = tile + static_cast<std::size_t>(b / 2) * kQ6QuarterBytes;
    if (columns == 1) prefetch(quarter + b % 2 * 448, b % 2 == 0 ? 448 : 384);
    __m512i scaled[columns];
    for (int half = 0; half < 2; ++half) {
      const int g = 2 * b + half;
      const int in_quarter = g % 4;
      const Group group = unpack_group(quarter + 64 + in_quarter * kQ6GroupBytes);
      const __m512i scale = _mm512_cvtepi8_epi32(
          _mm_load_si128(reinterpret_cast<const __m128i*>(quarter + 16 * in_quarter)));
      for (int c = 0; c < columns; ++c) {
        const std::int8_t* value = x[c]->value + 16 * g;
        __m512i sum = _mm512_set1_epi32(-32 * x[c]->sum[g]);
        for (int q = 0; q < 4; ++q) {
          sum = _mm512_dpbusd_epi32(sum, group.quad[q], broadcast_quad(value + 4 * q));
        }
        sum = _mm512_mullo_epi32(sum, scale);
        scaled[c] = half == 0 ? sum : _mm512_add_epi32(scaled[c], sum);
      }
    }
    for (int c = 0; c < columns; ++c) {
      t[c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(scaled[c]), _mm512_set1_ps(x[c]->scale[b]), t[c]);
    }
  }
}

struct Q6Kernel {
  static constexpr int kColumns = 8;

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const ActivationBlock* column[columns];
    for (int c = 0; c < columns; ++c) {
      column[c] = IntegerMatmul<Q6Kernel>::blocks_of(x, c);
    }
    const std::byte* tile = strip + q6_k_tiles_offset(cols);
    __m512 sum[columns];
    for (__m512& s : sum) s = _mm512_setzero_ps();
    for (int block = 0; block < cols / kQ6Block; ++block, tile += kQ6TileBytes) {
      __m512 t[columns];
      for (__m512& v : t) v = _mm512_setzero_ps();
      multiply_tile<columns>(t, tile, column);
      const __m512 d = _mm512_cvtph_ps(_mm256_load_si256(
          reinterpret_cast<const __m256i*>(strip + 32 * static_cast<std::size_t>(block))));
      for (int c = 0; c < columns; ++c) {
        sum[c] = _mm512_fmadd_ps(d, t[c], sum[c]);
        ++column[c];
      }
    }
    for (int c = 0; c < columns; ++c) {
      _mm512_storeu_ps(out + static_cast<std::size_t>(c) * out_stride, sum[c]);
    }
  }
};

}  // namespace

void install_q6_k(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q6_k)];
  kernels.matmul = IntegerMatmul<Q6Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q6Decoder, 2, 8>::matmul;
}

}  // namespace gemma2::cpu::avx512_vnni
