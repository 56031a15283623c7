// SPDX-License-Identifier: Apache-2.0
//
// Peak loop for vpdpbusd: four products of 8 bits in each 32-bit lane.
#include <immintrin.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {

float int8_vnni_zmm(long rounds) {
  __m512i sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm512_set1_epi32(j);
  const __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(-2);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm512_dpbusd_epi32(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm512_add_epi32(sum[0], sum[j]);
  return static_cast<float>(_mm512_reduce_add_epi32(sum[0]));
}

}  // namespace gemma2::bench::loops
