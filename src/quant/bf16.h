// SPDX-License-Identifier: Apache-2.0
//
// bfloat16, the upper half of a float32: conversion and the BF16 weight format. POD only, always
// inlined and free of library functions for the reason given in f16.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/tensor_view.h"

namespace gemma2 {

/// Exact, NaN payloads included.
[[nodiscard, gnu::always_inline]] constexpr inline float bf16_to_f32(std::uint16_t half) noexcept {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(half) << 16);
}

/// Rounds to nearest even, denormals included. A NaN keeps its upper payload and is quiet.
[[nodiscard, gnu::always_inline]] constexpr inline std::uint16_t f32_to_bf16(float value) noexcept {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

namespace bf16 {

// See Format in formats.h.
void decode_row(float* out, const std::byte* row, int cols) noexcept;
void encode_row(std::byte* row, const float* in, int cols) noexcept;
[[nodiscard]] std::size_t strip_bytes(int cols) noexcept;
void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept;

}  // namespace bf16
}  // namespace gemma2
