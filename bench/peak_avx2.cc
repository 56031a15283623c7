// SPDX-License-Identifier: Apache-2.0
//
// Peak loops for AVX2. Only intrinsics in here: an inline function shared with other files could
// reach a machine without AVX2.
#include <immintrin.h>

#include "peak.h"

namespace gemma2::bench::loops {

float read_avx2(const std::byte* data, std::size_t bytes) {
  __m256i sum[8] = {};
  for (std::size_t i = 0; i + 256 <= bytes; i += 256) {
    _mm_prefetch(reinterpret_cast<const char*>(data + i + 2048), _MM_HINT_T0);
    for (std::size_t j = 0; j < 8; ++j) {
      const auto* at = reinterpret_cast<const __m256i*>(data + i + 32 * j);
      sum[j] = _mm256_xor_si256(sum[j], _mm256_load_si256(at));
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm256_xor_si256(sum[0], sum[j]);
  return static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

float fp32_avx2(long rounds) {
  __m256 sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm256_set1_ps(static_cast<float>(j));
  const __m256 a = _mm256_set1_ps(0.5F);
  const __m256 b = _mm256_set1_ps(1e-3F);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm256_fmadd_ps(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm256_add_ps(sum[0], sum[j]);
  return _mm256_cvtss_f32(sum[0]);
}

float int8_avx2(long rounds) {
  __m256i sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm256_set1_epi32(j);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(-2);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      asm("" : "+x"(a));  // the product must not leave the loop
      sum[j] = _mm256_add_epi32(sum[j], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm256_add_epi32(sum[0], sum[j]);
  return static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

}  // namespace gemma2::bench::loops
