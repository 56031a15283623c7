// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times 8-bit activations with maddubs. Lane = row: a register holds four k of eight rows, and
// nothing is ever summed across lanes. The two halves of a strip are taken one after the other,
// tile by tile, so that four columns' sums and an unpacked group fit in sixteen registers.
//
// Six-bit weights stay unsigned: a product pair is at most 2 * 63 * 127 = 16002, so two of them
// add up in 16 bits, and madd with the sub-scale in both halves of a lane widens to 32. What the
// offset of 32 adds, 32 * sum of the activations * sub-scale, is one more madd for each 32 k: the
// quantizer keeps |sum| of 16 at or below 1023, so 32 * sum fits in 16 bits too.
// Bytes read for each output: cols * 210 / 256.
#include "kernels/cpu/avx2/integer_products.h"
#include "kernels/cpu/avx2/lanes.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx2 {
namespace {

struct Group {
  __m256i quad[4];  // 8 rows x 4 k, values 0 .. 63
};

inline Group unpack_group(const std::byte* at) noexcept {
  const __m256i low01 = load_256(at);
  const __m256i low23 = load_256(at + 64);
  const __m256i high = load_256(at + 128);
  const auto join = [](__m256i nibbles, __m256i shifted) {
    return _mm256_or_si256(_mm256_and_si256(nibbles, _mm256_set1_epi8(0x0F)),
                           _mm256_and_si256(shifted, _mm256_set1_epi8(0x30)));
  };
  return {{join(low01, _mm256_slli_epi16(high, 4)),
           join(_mm256_srli_epi16(low01, 4), _mm256_slli_epi16(high, 2)), join(low23, high),
           join(_mm256_srli_epi16(low23, 4), _mm256_srli_epi16(high, 2))}};
}

/// Sub-scales of eight rows, a and b alternating in 16-bit lanes.
inline __m256i scale_pairs(const std::byte* a, const std::byte* b) noexcept {
  const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(a));
  const __m128i second = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b));
  return _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(first, second));
}

/// Sub-scale times the products of one group with one column.
inline __m256i scaled_products(const Group& group, __m256i scale, const std::int8_t* x) noexcept {
  const auto product = [&](int q) {
    return _mm256_maddubs_epi16(group.quad[q], broadcast_word(x + 4 * q));
  };
  const __m256i first = _mm256_add_epi16(product(0), product(1));
  const __m256i second = _mm256_add_epi16(product(2), product(3));
  return _mm256_add_epi32(_mm256_madd_epi16(first, scale), _mm256_madd_epi16(second, scale));
}

/// -32 * sum of each of a block's 16 groups, in 16 bits.
inline void offsets_of(std::int16_t (&offset)[16], const ActivationBlock& x) noexcept {
  const auto* sums = reinterpret_cast<const std::byte*>(x.sum);
  const __m256i words =
      _mm256_permute4x64_epi64(_mm256_packs_epi32(load_256(sums), load_256(sums + 32)), 0xD8);
  const __m256i negative = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(words, 5));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(offset), negative);
}

struct Q6Kernel {
  static constexpr int kColumns = 4;

  /// t[c] += the products of eight rows of 32 k, the b-th of a tile, with column c.
  template <int columns>
  static void multiply_block(__m256 (&t)[columns], const std::byte* scales, const std::byte* quants,
                             const ActivationBlock* const (&x)[columns],
                             const std::int16_t (&offset)[columns][16], int b) noexcept {
    const __m256i both = scale_pairs(scales, scales + 16);
    __m256i sum[columns];
    for (int c = 0; c < columns; ++c) {
      sum[c] = _mm256_madd_epi16(both, broadcast_word(offset[c] + 2 * b));
    }
    for (int g = 0; g < 2; ++g) {
      const Group group = unpack_group(quants + static_cast<std::size_t>(g) * kQ6GroupBytes);
      const __m256i scale = scale_pairs(scales + 16 * g, scales + 16 * g);
      for (int c = 0; c < columns; ++c) {
        sum[c] =
            _mm256_add_epi32(sum[c], scaled_products(group, scale, x[c]->value + 32 * b + 16 * g));
      }
    }
    for (int c = 0; c < columns; ++c) {
      t[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[c]), _mm256_set1_ps(x[c]->scale[b]), t[c]);
    }
  }

  /// t[c] = the products of eight rows (`half` 0 or 1) of a tile with column c.
  template <int columns>
  static void half_tile(__m256 (&t)[columns], const std::byte* tile, int half,
                        const ActivationBlock* const (&x)[columns],
                        const std::int16_t (&offset)[columns][16]) noexcept {
    for (__m256& v : t) v = _mm256_setzero_ps();
    for (int q = 0; q < 4; ++q) {
      const std::byte* quarter = tile + static_cast<std::size_t>(q) * kQ6QuarterBytes;
      // The 13 lines of a quarter further ahead, spread over the two halves.
      if (columns == 1) prefetch(quarter + 448 * half, half == 0 ? 448 : 384);
      const std::byte* scales = quarter + 8 * half;
      const std::byte* quants = quarter + 64 + 32 * half;
      multiply_block<columns>(t, scales, quants, x, offset, 2 * q);
      multiply_block<columns>(t, scales + 32, quants + 2 * kQ6GroupBytes, x, offset, 2 * q + 1);
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const ActivationBlock* column[columns];
    for (int c = 0; c < columns; ++c) column[c] = IntegerMatmul<Q6Kernel>::blocks_of(x, c);
    __m256 sum[2][columns];
    for (auto& half : sum) {
      for (__m256& s : half) s = _mm256_setzero_ps();
    }
    const std::byte* tile = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block, tile += kQ6TileBytes) {
      std::int16_t offset[columns][16];
      for (int c = 0; c < columns; ++c) offsets_of(offset[c], *column[c]);
      for (int half = 0; half < 2; ++half) {
        __m256 t[columns];
        half_tile<columns>(t, tile, half, column, offset);
        const __m256 d =
            _mm256_cvtph_ps(load_128(strip + 32 * static_cast<std::size_t>(block) + 16 * half));
        for (int c = 0; c < columns; ++c) sum[half][c] = _mm256_fmadd_ps(d, t[c], sum[half][c]);
      }
      for (const ActivationBlock*& c : column) ++c;
    }
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      _mm256_storeu_ps(to, sum[0][c]);
      _mm256_storeu_ps(to + 8, sum[1][c]);
    }
  }
};

}  // namespace

void install_q6_k(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q6_k)];
  kernels.matmul = IntegerMatmul<Q6Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q6Decoder, 1, 6>::matmul;
}

}  // namespace gemma2::cpu::avx2
