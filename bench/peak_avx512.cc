// SPDX-License-Identifier: Apache-2.0
//
// Peak loops for AVX-512. Only intrinsics in here, as in peak_avx2.cc.
#include <immintrin.h>

#include "peak.h"

namespace gemma2::bench::loops {

float read_avx512(const std::byte* data, std::size_t bytes) {
  __m512i sum[8] = {};
  for (std::size_t i = 0; i + 512 <= bytes; i += 512) {
    for (std::size_t j = 0; j < 8; ++j) {
      const std::byte* at = data + i + 64 * j;
      _mm_prefetch(reinterpret_cast<const char*>(at + 4096), _MM_HINT_T0);
      sum[j] = _mm512_xor_si512(sum[j], _mm512_load_si512(at));
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm512_xor_si512(sum[0], sum[j]);
  return static_cast<float>(_mm512_reduce_add_epi32(sum[0]));
}

float fp32_avx512(long rounds) {
  __m512 sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm512_set1_ps(static_cast<float>(j));
  const __m512 a = _mm512_set1_ps(0.5F);
  const __m512 b = _mm512_set1_ps(1e-3F);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm512_fmadd_ps(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm512_add_ps(sum[0], sum[j]);
  return _mm512_reduce_add_ps(sum[0]);
}

}  // namespace gemma2::bench::loops
