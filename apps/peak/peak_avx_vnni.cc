// SPDX-License-Identifier: Apache-2.0
//
// Peak loop for vpdpbusd on 256 bits.
#include <immintrin.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {

float int8_vnni_ymm(long rounds) {
  __m256i sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm256_set1_epi32(j);
  const __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(-2);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm256_dpbusd_avx_epi32(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm256_add_epi32(sum[0], sum[j]);
  return static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

}  // namespace gemma2::bench::loops
