// SPDX-License-Identifier: Apache-2.0
//
// AVX-512 in software: the intrinsics of src/kernels/cpu/avx512 on any processor. SIMDe provides
// most of them; this file replaces those that it computes in another way than the processor, and
// adds those that it lacks. Every function says what the instruction does, after Intel's "64 and
// IA-32 Architectures Software Developer's Manual", volume 2.
//
// SIMDE_NO_NATIVE, whatever the compiler may use: <immintrin.h> must stay out, because the names
// are the same, and an emulation that uses the processor's AVX-512 would prove nothing.
#pragma once

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <simde/x86/avx512.h>

#include "quant/f16.h"

using __mmask16 = std::uint16_t;
using __mmask32 = std::uint32_t;
using __mmask64 = std::uint64_t;

namespace gemma2::test {

/// The elements of a register or of what a pointer points at, and back.
template <class T, std::size_t n>
inline std::array<T, n> elements_at(const void* from) {
  std::array<T, n> r;
  std::memcpy(r.data(), from, sizeof(r));
  return r;
}
template <class T, class Vector>
inline auto elements(const Vector& v) {
  return elements_at<T, sizeof(Vector) / sizeof(T)>(&v);
}
template <class T, std::size_t n>
inline __m512i int_vector(const std::array<T, n>& from) {
  static_assert(sizeof(from) == 64);
  __m512i r;
  std::memcpy(&r, from.data(), sizeof(r));
  return r;
}
inline __m512 float_vector(const std::array<float, 16>& from) {
  __m512 r;
  std::memcpy(&r, from.data(), sizeof(r));
  return r;
}

/// Loads and stores without "u" raise a general protection fault where the address is no multiple
/// of 64. The test program ends, as the real one would.
inline void require_aligned(const void* at) {
  if (reinterpret_cast<std::uintptr_t>(at) % 64 != 0) std::abort();
}

inline float denormal_as_zero(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

inline float bf16_at(std::uint32_t pair, int half) {
  const std::uint32_t bits = half == 0 ? pair << 16 : pair & 0xFFFF0000U;
  float x = 0;
  std::memcpy(&x, &bits, sizeof(x));
  return denormal_as_zero(x);
}

}  // namespace gemma2::test

// SIMDe's assume the alignment and do not check it.
#undef _mm512_load_si512
#undef _mm512_load_ps
#undef _mm512_store_si512
#undef _mm512_store_ps
static inline __m512i _mm512_load_si512(const void* from) {
  gemma2::test::require_aligned(from);
  return simde_mm512_loadu_si512(from);
}
static inline __m512 _mm512_load_ps(const void* from) {
  gemma2::test::require_aligned(from);
  return simde_mm512_loadu_ps(from);
}
static inline void _mm512_store_si512(void* to, __m512i v) {
  gemma2::test::require_aligned(to);
  simde_mm512_storeu_si512(to, v);
}
static inline void _mm512_store_ps(void* to, __m512 v) {
  gemma2::test::require_aligned(to);
  simde_mm512_storeu_ps(to, v);
}

/// VMOVUPS with a zeroing mask: elements whose mask bit is clear are zero and are not read.
static inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void* from) {
  std::array<float, 16> r = {};
  for (std::size_t i = 0; i < r.size(); ++i) {
    if ((mask >> i & 1) != 0) std::memcpy(&r[i], static_cast<const float*>(from) + i, 4);
  }
  return gemma2::test::float_vector(r);
}

/// VPANDD with everything but the sign, of a NaN too. SIMDe negates what is below zero.
#undef _mm512_abs_ps
static inline __m512 _mm512_abs_ps(__m512 v) {
  auto r = gemma2::test::elements<float>(v);
  for (float& x : r) x = std::fabs(x);
  return gemma2::test::float_vector(r);
}

/// VFMADD*PS: a * b + c with one rounding. SIMDe multiplies and adds, with two.
#undef _mm512_fmadd_ps
static inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  auto r = gemma2::test::elements<float>(a);
  const auto y = gemma2::test::elements<float>(b);
  const auto z = gemma2::test::elements<float>(c);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = std::fma(r[i], y[i], z[i]);
  return gemma2::test::float_vector(r);
}

/// VPMADDWD: a[0] * b[0] + a[1] * b[1] of the signed 16-bit pairs of each lane, modulo 2^32.
/// SIMDe's name takes four arguments, by a slip.
#undef _mm512_madd_epi16
static inline __m512i _mm512_madd_epi16(__m512i a, __m512i b) {
  return _mm512_dpwssd_epi32(_mm512_setzero_si512(), a, b);
}

/// VDPBF16PS: for each 32-bit lane, first the odd elements, then the even ones:
///   sum += a[1] * b[1];  sum += a[0] * b[0]
/// Each step is a fused multiply-add rounded to nearest even. Denormal inputs, the sum included,
/// count as zero; denormal results become zero, with their sign. No exceptions, and MXCSR is
/// neither consulted nor changed.
#undef _mm512_dpbf16_ps
static inline __m512 _mm512_dpbf16_ps(__m512 sum, __m512bh a, __m512bh b) {
  auto r = gemma2::test::elements<float>(sum);
  const auto x = gemma2::test::elements<std::uint32_t>(a);
  const auto y = gemma2::test::elements<std::uint32_t>(b);
  for (std::size_t i = 0; i < r.size(); ++i) {
    for (int half : {1, 0}) {
      r[i] = gemma2::test::denormal_as_zero(std::fma(gemma2::test::bf16_at(x[i], half),
                                                     gemma2::test::bf16_at(y[i], half),
                                                     gemma2::test::denormal_as_zero(r[i])));
    }
  }
  return gemma2::test::float_vector(r);
}

/// VCVTPH2PS: IEEE halves to floats, exact.
static inline __m512 _mm512_cvtph_ps(__m256i halves) {
  const auto half = gemma2::test::elements<std::uint16_t>(halves);
  std::array<float, 16> r;
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = gemma2::f16_to_f32(half[i]);
  return gemma2::test::float_vector(r);
}

/// VCVTDQ2PS: int32 to float, rounded to nearest even.
static inline __m512 _mm512_cvtepi32_ps(__m512i v) {
  const auto x = gemma2::test::elements<std::int32_t>(v);
  std::array<float, 16> r;
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = static_cast<float>(x[i]);
  return gemma2::test::float_vector(r);
}

/// VCVTPS2DQ: float to int32, rounded to nearest even; what does not fit, NaN too, is 2^31.
static inline __m512i _mm512_cvtps_epi32(__m512 v) {
  const auto x = gemma2::test::elements<float>(v);
  std::array<std::int32_t, 16> r;
  for (std::size_t i = 0; i < r.size(); ++i) {
    const bool fits = x[i] >= -0x1p31F && x[i] < 0x1p31F;
    r[i] = fits ? static_cast<std::int32_t>(std::nearbyint(x[i])) : INT32_MIN;
  }
  return gemma2::test::int_vector(r);
}

/// VPMOVSXBD: sign extension.
static inline __m512i _mm512_cvtepi8_epi32(__m128i v) {
  const auto x = gemma2::test::elements<std::int8_t>(v);
  std::array<std::int32_t, 16> r;
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[i];
  return gemma2::test::int_vector(r);
}

/// VPMOVDW and VPMOVDB: the low bits of each lane.
static inline __m256i _mm512_cvtepi32_epi16(__m512i v) {
  const auto x = gemma2::test::elements<std::uint32_t>(v);
  std::array<std::uint16_t, 16> low;
  for (std::size_t i = 0; i < low.size(); ++i) low[i] = static_cast<std::uint16_t>(x[i]);
  __m256i r;
  std::memcpy(&r, low.data(), sizeof(r));
  return r;
}
static inline __m128i _mm512_cvtepi32_epi8(__m512i v) {
  const auto x = gemma2::test::elements<std::uint32_t>(v);
  std::array<std::uint8_t, 16> low;
  for (std::size_t i = 0; i < low.size(); ++i) low[i] = static_cast<std::uint8_t>(x[i]);
  __m128i r;
  std::memcpy(&r, low.data(), sizeof(r));
  return r;
}

/// VPMOVZXWD: zero extension.
static inline __m512i _mm512_cvtepu16_epi32(__m256i v) {
  const auto x = gemma2::test::elements<std::uint16_t>(v);
  std::array<std::uint32_t, 16> r;
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[i];
  return gemma2::test::int_vector(r);
}

/// VMOVDQU16 with a mask: words whose mask bit is clear are not written.
static inline void _mm256_mask_storeu_epi16(void* to, __mmask16 mask, __m256i v) {
  const auto x = gemma2::test::elements<std::uint16_t>(v);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if ((mask >> i & 1) != 0) std::memcpy(static_cast<std::uint16_t*>(to) + i, &x[i], 2);
  }
}

/// VCVTNEPS2BF16: floats to bfloat16, to nearest even. Denormals count as zero; a NaN stays one and
/// becomes quiet. MXCSR is neither consulted nor changed.
static inline __m256bh _mm512_cvtneps_pbh(__m512 v) {
  const auto x = gemma2::test::elements<float>(v);
  std::array<std::uint16_t, 16> r;
  for (std::size_t i = 0; i < r.size(); ++i) {
    std::uint32_t bits = 0;
    const float value = gemma2::test::denormal_as_zero(x[i]);
    std::memcpy(&bits, &value, sizeof(bits));
    const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    const std::uint32_t rounded = bits + 0x7FFFU + (bits >> 16 & 1U);
    r[i] = static_cast<std::uint16_t>(is_nan ? bits >> 16 | 0x40U : rounded >> 16);
  }
  __m256bh result;
  std::memcpy(&result, r.data(), sizeof(result));
  return result;
}
