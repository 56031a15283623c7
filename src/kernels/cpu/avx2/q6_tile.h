// SPDX-License-Identifier: Apache-2.0
//
// What every Q6_K kernel of this folder does with 16 k of eight rows: unpack, multiply, scale. A
// Dot type says how to multiply: PairDot here, QuadDot (quad_dot.h) where there is AVX-VNNI.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/cpu/avx2/integer_products.h"
#include "kernels/cpu/avx2/lanes.h"

namespace gemma2::cpu::avx2 {

struct Q6Group {
  __m256i quad[4];  // 8 rows x 4 k, values 0 .. 63
};

/// `at`: plane 0 of the group's rows; planes 1 and 2 follow at 64 and 128 bytes.
inline Q6Group unpack_group(const std::byte* at) noexcept {
  const __m256i six = _mm256_set1_epi8(0x3F);
  const __m256i plane[3] = {load_256(at), load_256(at + 64), load_256(at + 128)};
  // Each step moves what has been collected down by two bits; nothing ever leaves its byte.
  __m256i last = _mm256_setzero_si256();
  for (int i = 2; i >= 0; --i) {
    last = _mm256_srli_epi16(_mm256_or_si256(last, _mm256_andnot_si256(six, plane[i])), 2);
  }
  return {{_mm256_and_si256(plane[0], six), _mm256_and_si256(plane[1], six),
           _mm256_and_si256(plane[2], six), last}};
}

/// Products by maddubs, whose sums are 16-bit pairs. Six-bit weights stay unsigned (0 .. 63): a
/// pair of products is at most 2 * 63 * 127. A sum starts at the offset -32 * (its eight
/// activations), so that once all four quads of k are added it is the exact sum of (weight - 32) *
/// activation, below 32 * 8 * 127 < 2^15; sums on the way may wrap around, 16-bit addition does not
/// mind. One madd with the sub-scale in both halves of a lane then widens to 32 bits: five
/// multiplications for 16 k, where widening each pair of maddubs takes six and a correction.
struct PairDot {
  static __m256i start(const ActivationBlock& x, int group) noexcept {
    return broadcast_word(x.offset[group]);
  }
  /// `sum` is made opaque: gcc would otherwise add the products as a tree, which takes so many
  /// registers that it is half as fast.
  static void add(__m256i& sum, __m256i weights, __m256i activations) noexcept {
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(weights, activations));
    asm("" : "+x"(sum));
  }
  /// Sub-scales of eight rows, each in both 16-bit halves of its lane.
  static __m256i scales(const std::byte* at) noexcept {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    return _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(bytes, bytes));
  }
};

}  // namespace gemma2::cpu::avx2
