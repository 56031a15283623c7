// SPDX-License-Identifier: Apache-2.0
//
// Sixteen floats in two AVX2 registers, lanes 0 .. 7 in `low`. reference/lanes.h documents the
// operations.
#pragma once

#include <cstddef>
#include <cstdint>

#include <immintrin.h>

#include <xsimd/xsimd.hpp>

namespace gemma2::cpu::avx2 {

inline __m256i load_256(const std::byte* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

inline __m128i load_128(const std::byte* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

inline __m128i load_64(const std::byte* from) noexcept {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}

struct Bits {
  __m256i low;
  __m256i high;

  static Bits load(const std::byte* from) noexcept { return {load_256(from), load_256(from + 32)}; }
  static Bits load_int8(const std::byte* from) noexcept {
    return {_mm256_cvtepi8_epi32(load_64(from)), _mm256_cvtepi8_epi32(load_64(from + 8))};
  }
  template <int n>
  [[nodiscard]] Bits shift_left() const noexcept {
    return {_mm256_slli_epi32(low, n), _mm256_slli_epi32(high, n)};
  }
  template <int n>
  [[nodiscard]] Bits shift_right() const noexcept {
    return {_mm256_srli_epi32(low, n), _mm256_srli_epi32(high, n)};
  }
  [[nodiscard]] Bits operator&(std::uint32_t mask) const noexcept {
    const __m256i all = _mm256_set1_epi32(static_cast<int>(mask));
    return {_mm256_and_si256(low, all), _mm256_and_si256(high, all)};
  }
  friend Bits operator|(Bits a, Bits b) noexcept {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  friend Bits operator+(Bits a, Bits b) noexcept {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
  }
};

struct Lanes {
  using Bits = avx2::Bits;
  using Batch = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
  static constexpr int kAccumulators = 6;
  Batch low;
  Batch high;

  static Lanes broadcast(float x) noexcept { return {Batch(x), Batch(x)}; }
  static Lanes load(const float* from) noexcept {
    return {Batch::load_unaligned(from), Batch::load_unaligned(from + 8)};
  }
  void store(float* to) const noexcept {
    low.store_unaligned(to);
    high.store_unaligned(to + 8);
  }

  static Lanes load_f16(const std::byte* from) noexcept {
    return {_mm256_cvtph_ps(load_128(from)), _mm256_cvtph_ps(load_128(from + 16))};
  }
  static Lanes from_bits(Bits bits) noexcept {
    return {_mm256_castsi256_ps(bits.low), _mm256_castsi256_ps(bits.high)};
  }
  [[nodiscard]] Bits bits() const noexcept {
    return {_mm256_castps_si256(low), _mm256_castps_si256(high)};
  }
  static Lanes from_int(Bits bits) noexcept {
    return {_mm256_cvtepi32_ps(bits.low), _mm256_cvtepi32_ps(bits.high)};
  }
  static Lanes even_f16(Bits pairs) noexcept {
    return {_mm256_cvtph_ps(_mm256_castsi256_si128(part_halves(pairs.low))),
            _mm256_cvtph_ps(_mm256_castsi256_si128(part_halves(pairs.high)))};
  }
  static Lanes odd_f16(Bits pairs) noexcept {
    return {_mm256_cvtph_ps(_mm256_extracti128_si256(part_halves(pairs.low), 1)),
            _mm256_cvtph_ps(_mm256_extracti128_si256(part_halves(pairs.high), 1))};
  }

  friend Lanes operator+(Lanes a, Lanes b) noexcept { return {a.low + b.low, a.high + b.high}; }
  friend Lanes operator-(Lanes a, Lanes b) noexcept { return {a.low - b.low, a.high - b.high}; }
  friend Lanes operator*(Lanes a, Lanes b) noexcept { return {a.low * b.low, a.high * b.high}; }
  friend Lanes operator/(Lanes a, Lanes b) noexcept { return {a.low / b.low, a.high / b.high}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) noexcept {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static Lanes min(Lanes a, Lanes b) noexcept {
    return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
  }
  static Lanes max(Lanes a, Lanes b) noexcept {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  static Lanes max_bits(Lanes a, Lanes b) noexcept {
    const Bits x = a.bits();
    const Bits y = b.bits();
    return from_bits({_mm256_max_epi32(x.low, y.low), _mm256_max_epi32(x.high, y.high)});
  }
  static Lanes abs(Lanes a) noexcept {
    return {_mm256_andnot_ps(sign_mask(), a.low), _mm256_andnot_ps(sign_mask(), a.high)};
  }
  static Lanes copysign(Lanes a, Lanes b) noexcept {
    const Lanes magnitude = abs(a);
    return {_mm256_or_ps(magnitude.low, _mm256_and_ps(sign_mask(), b.low)),
            _mm256_or_ps(magnitude.high, _mm256_and_ps(sign_mask(), b.high))};
  }
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) noexcept {
    return {_mm256_blendv_ps(no.low, yes.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
            _mm256_blendv_ps(no.high, yes.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
  }
  static bool all_less(Lanes a, Lanes b) noexcept {
    const __m256 low_less = _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ);
    const __m256 high_less = _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ);
    return _mm256_movemask_ps(_mm256_and_ps(low_less, high_less)) == 0xFF;
  }
  static Lanes keep_range(Lanes a, int first, int last) noexcept {
    return {_mm256_and_ps(a.low, range_mask(first, last)),
            _mm256_and_ps(a.high, range_mask(first - 8, last - 8))};
  }
  void store_int8(std::int8_t* to) const noexcept {
    // Packing interleaves the registers' 128-bit halves; the permutation puts them in order.
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high)), 0xD8);
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  }

 private:
  static __m256 sign_mask() noexcept { return _mm256_set1_ps(-0.0F); }

  static __m256 range_mask(int first, int last) noexcept {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i before = _mm256_cmpgt_epi32(_mm256_set1_epi32(first), lane);
    const __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32(last), lane);
    return _mm256_castsi256_ps(_mm256_andnot_si256(before, inside));
  }

  /// Eight pairs of halves -> the even halves in the lower 128 bits, the odd ones in the upper.
  static __m256i part_halves(__m256i pairs) noexcept {
    const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,  //
                                           0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    return _mm256_permute4x64_epi64(_mm256_shuffle_epi8(pairs, order), 0xD8);
  }
};

}  // namespace gemma2::cpu::avx2
