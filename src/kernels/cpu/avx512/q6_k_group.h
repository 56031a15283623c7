// SPDX-License-Identifier: Apache-2.0
//
// From the packed bits of Q6_K to registers: the same for every way of multiplying.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/avx512/intrinsics.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu::avx512 {

struct Q6Group {
  __m512i quad[4];  // 16 rows x 4 k, values 0 .. 63
};

[[gnu::always_inline]] inline Q6Group unpack_group(const std::byte* at) noexcept {
  const __m512i plane0 = _mm512_load_si512(at);
  const __m512i plane1 = _mm512_load_si512(at + 64);
  const __m512i plane2 = _mm512_load_si512(at + 128);
  const __m512i six = _mm512_set1_epi8(0x3F);
  // Collects the planes' upper two bits, moving down by two bits at a time; nothing ever leaves its
  // byte. 0xF4: a | (b & ~c)
  const auto collect = [&](__m512i last, __m512i plane) __attribute__((always_inline)) {
    return _mm512_srli_epi16(_mm512_ternarylogic_epi32(last, plane, six, 0xF4), 2);
  };
  const __m512i last = collect(collect(collect(_mm512_setzero_si512(), plane2), plane1), plane0);
  return {{_mm512_and_si512(plane0, six), _mm512_and_si512(plane1, six),
           _mm512_and_si512(plane2, six), last}};
}

/// Bytes of two groups of 16 rows -> pairs of 16 bits, the first group's in the low half.
[[gnu::always_inline]] inline __m512i scale_pairs(const std::byte* scales) noexcept {
  // Quarters 0 2 1 3, so that both groups' rows 0 .. 7 share a half, which then interleaves.
  const __m256i halves =
      _mm256_permute4x64_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales)), 0xD8);
  const __m256i interleave =
      _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,  //
                       0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  return _mm512_cvtepi8_epi16(_mm256_shuffle_epi8(halves, interleave));
}

/// The first byte of quarter `quarter` (64 k) of tile `block`.
[[gnu::always_inline]] inline const std::byte* q6_quarter(const std::byte* strip, int cols,
                                                          int block, int quarter) noexcept {
  return strip + q6_k_tiles_offset(cols) + static_cast<std::size_t>(block) * kQ6TileBytes +
         static_cast<std::size_t>(quarter) * kQ6QuarterBytes;
}

[[gnu::always_inline]] inline __m512 load_16_halves(const std::byte* at) noexcept {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

}  // namespace gemma2::cpu::avx512
