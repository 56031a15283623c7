// SPDX-License-Identifier: Apache-2.0
//
// Products of quads of k by vpdpbusd on 256 bits (AVX-VNNI): one instruction where maddubs takes a
// multiplication and an addition, and 32-bit sums.
#pragma once

#include <cstdint>

#include <immintrin.h>

#include "kernels/cpu/avx2/dot_quads.h"
#include "quant/activation_block.h"

namespace gemma2::cpu::avx2_vnni {

struct QuadDot {
  static __m256i start(const ActivationBlock& x, int group) noexcept {
    return _mm256_set1_epi32(-32 * x.sum[group]);
  }
  static void add(__m256i& sum, __m256i weights, __m256i activations) noexcept {
    sum = dot_quads(sum, weights, activations);
  }
  /// Sub-scales of eight rows in the lower halves of their lanes. The quantizer keeps sums of 16
  /// products below 2^15, so madd with zero above multiplies as vpmulld would, in half the time.
  static __m256i scales(const std::byte* at) noexcept {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    return _mm256_and_si256(_mm256_cvtepi8_epi32(bytes), _mm256_set1_epi32(0xFFFF));
  }
};

}  // namespace gemma2::cpu::avx2_vnni
