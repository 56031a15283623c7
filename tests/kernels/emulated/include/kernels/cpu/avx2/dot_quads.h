// SPDX-License-Identifier: Apache-2.0
//
// In place of the library's file of this name: vpdpbusd on 256 bits with AVX2. Even and odd bytes
// are widened to 16 bits apart; their products, two to a lane, fit in 32.
#pragma once

#include <immintrin.h>

namespace gemma2::cpu::avx2_vnni {

inline __m256i dot_quads(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) noexcept {
  const __m256i even_u = _mm256_and_si256(unsigned_bytes, _mm256_set1_epi16(0xFF));
  const __m256i odd_u = _mm256_srli_epi16(unsigned_bytes, 8);
  const __m256i even_s = _mm256_srai_epi16(_mm256_slli_epi16(signed_bytes, 8), 8);
  const __m256i odd_s = _mm256_srai_epi16(signed_bytes, 8);
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even_u, even_s));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(odd_u, odd_s));
}

}  // namespace gemma2::cpu::avx2_vnni
