// SPDX-License-Identifier: Apache-2.0
//
// Sixteen floats in one AVX-512 register. reference/lanes.h documents the operations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/avx512/intrinsics.h"

namespace gemma2::cpu::avx512 {

struct Bits {
  __m512i v;

  static Bits load(const std::byte* from) noexcept { return {_mm512_loadu_si512(from)}; }
  static Bits load_int8(const std::byte* from) noexcept {
    return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))};
  }
  template <int n>
  [[nodiscard]] Bits shift_left() const noexcept {
    return {_mm512_slli_epi32(v, n)};
  }
  template <int n>
  [[nodiscard]] Bits shift_right() const noexcept {
    return {_mm512_srli_epi32(v, n)};
  }
  [[nodiscard]] Bits operator&(std::uint32_t mask) const noexcept {
    return {_mm512_and_si512(v, _mm512_set1_epi32(static_cast<int>(mask)))};
  }
  friend Bits operator|(Bits a, Bits b) noexcept { return {_mm512_or_si512(a.v, b.v)}; }
  friend Bits operator+(Bits a, Bits b) noexcept { return {_mm512_add_epi32(a.v, b.v)}; }
};

struct Lanes {
  using Bits = avx512::Bits;
  static constexpr int kAccumulators = 24;
  __m512 v;

  static Lanes broadcast(float x) noexcept { return {_mm512_set1_ps(x)}; }
  static Lanes load(const float* from) noexcept { return {_mm512_loadu_ps(from)}; }
  void store(float* to) const noexcept { _mm512_storeu_ps(to, v); }

  static Lanes load_f16(const std::byte* from) noexcept {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)))};
  }
  static Lanes from_bits(Bits bits) noexcept { return {_mm512_castsi512_ps(bits.v)}; }
  [[nodiscard]] Bits bits() const noexcept { return {_mm512_castps_si512(v)}; }
  static Lanes from_int(Bits bits) noexcept { return {_mm512_cvtepi32_ps(bits.v)}; }
  static Lanes even_f16(Bits pairs) noexcept {
    return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(pairs.v))};
  }
  static Lanes odd_f16(Bits pairs) noexcept {
    return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(pairs.v, 16)))};
  }

  friend Lanes operator+(Lanes a, Lanes b) noexcept { return {_mm512_add_ps(a.v, b.v)}; }
  friend Lanes operator-(Lanes a, Lanes b) noexcept { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Lanes operator*(Lanes a, Lanes b) noexcept { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Lanes operator/(Lanes a, Lanes b) noexcept { return {_mm512_div_ps(a.v, b.v)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) noexcept { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Lanes min(Lanes a, Lanes b) noexcept { return {_mm512_min_ps(a.v, b.v)}; }
  static Lanes max(Lanes a, Lanes b) noexcept { return {_mm512_max_ps(a.v, b.v)}; }
  static Lanes max_bits(Lanes a, Lanes b) noexcept {
    return from_bits({_mm512_max_epi32(a.bits().v, b.bits().v)});
  }
  static Lanes abs(Lanes a) noexcept { return {_mm512_abs_ps(a.v)}; }
  static Lanes copysign(Lanes a, Lanes b) noexcept {
    // 0xD8: where the mask has ones b, elsewhere a.
    return from_bits(
        {_mm512_ternarylogic_epi32(a.bits().v, b.bits().v, _mm512_set1_epi32(INT32_MIN), 0xD8)});
  }
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) noexcept {
    return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
  }
  static bool all_less(Lanes a, Lanes b) noexcept {
    return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ) == 0xFFFF;
  }
  static Lanes keep_range(Lanes a, int first, int last) noexcept {
    const std::uint32_t below_last = last <= 0 ? 0U : last >= 16 ? 0xFFFFU : (1U << last) - 1U;
    const std::uint32_t below_first = first <= 0 ? 0U : first >= 16 ? 0xFFFFU : (1U << first) - 1U;
    return {_mm512_maskz_mov_ps(static_cast<__mmask16>(below_last & ~below_first), a.v)};
  }
  void store_int8(std::int8_t* to) const noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
  }
};

}  // namespace gemma2::cpu::avx512
