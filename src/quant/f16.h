// SPDX-License-Identifier: Apache-2.0
//
// IEEE half precision: conversion and the F16 weight format. POD only: ISA files include this
// header, so the conversions are always inlined (a copy left out of line could be the one that
// the linker took from a file built for another instruction set) and use no library function.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/tensor_view.h"

namespace gemma2 {

/// Exact. A NaN keeps its payload and comes out quiet, as from the instruction vcvtph2ps.
[[nodiscard, gnu::always_inline]] constexpr inline float f16_to_f32(std::uint16_t half) noexcept {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t rest = half & 0x7fffu;
  if (rest > 0x7c00u) return __builtin_bit_cast(float, sign | 0x7fc00000u | (rest << 13));
  if (rest == 0x7c00u) return __builtin_bit_cast(float, sign | 0x7f800000u);
  if (rest >= 0x0400u) {
    constexpr std::uint32_t kRebias = (127u - 15u) << 23;
    return __builtin_bit_cast(float, sign | ((rest << 13) + kRebias));
  }
  const float magnitude = static_cast<float>(rest) * 0x1p-24f;  // subnormal or zero
  return __builtin_bit_cast(float, sign | __builtin_bit_cast(std::uint32_t, magnitude));
}

/// Rounds to nearest even; from 65520 on to infinity. A NaN keeps its upper payload and is quiet.
[[nodiscard, gnu::always_inline]] constexpr inline std::uint16_t f32_to_f16(float value) noexcept {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  std::uint32_t rest = bits & 0x7fffffffu;
  if (rest > 0x7f800000u) {
    return static_cast<std::uint16_t>(sign | 0x7e00u | ((rest >> 13) & 0x3ffu));
  }
  if (rest >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (rest >= 0x38800000u) {  // at least 2^-14, the smallest normal half
    rest += 0x0fffu + ((rest >> 13) & 1u) - ((127u - 15u) << 23);
    return static_cast<std::uint16_t>(sign | (rest >> 13));
  }
  // One half-subnormal step, 2^-24, is the last bit of 0.5f: the addition does the rounding.
  const float sum = __builtin_bit_cast(float, rest) + 0.5f;
  return static_cast<std::uint16_t>(sign | (__builtin_bit_cast(std::uint32_t, sum) - 0x3f000000u));
}

namespace f16 {

// See Format in formats.h.
void decode_row(float* out, const std::byte* row, int cols) noexcept;
void encode_row(std::byte* row, const float* in, int cols) noexcept;
[[nodiscard]] std::size_t strip_bytes(int cols) noexcept;
void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept;

}  // namespace f16
}  // namespace gemma2
