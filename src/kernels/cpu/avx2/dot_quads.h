// SPDX-License-Identifier: Apache-2.0
//
// The one instruction that AVX-VNNI adds. In a header of its own, because a machine without it can
// still test everything around it with an emulation of this file.
#pragma once

#include <immintrin.h>

namespace gemma2::cpu::avx2_vnni {

/// sum + the four products of unsigned and signed bytes, in each 32-bit lane.
inline __m256i dot_quads(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) noexcept {
  return _mm256_dpbusd_avx_epi32(sum, unsigned_bytes, signed_bytes);
}

}  // namespace gemma2::cpu::avx2_vnni
