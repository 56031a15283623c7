// SPDX-License-Identifier: Apache-2.0
//
// The Q6_K weight format: 256 weights in 210 bytes, two levels of scales. POD only.
//
// Stored block: low nibbles [128] | two high bits [64] | sub-scales int8 [16] | scale d (half).
// Of each half of 128 weights, element e has its low nibble in byte e % 64 of the half's 64 (high
// nibble of the byte from e = 64 on) and its high bits in byte e % 32 of the half's 32, at bit
// 2 * (e / 32). A weight is (d * sub-scale of its 16) * (six-bit value - 32).
#pragma once

#include <cstddef>

#include "quant/tensor_view.h"

namespace gemma2::q6_k {

inline constexpr int kBlock = 256;
inline constexpr int kSubBlock = 16;
inline constexpr std::size_t kHighOffset = 128;
inline constexpr std::size_t kScalesOffset = 192;
inline constexpr std::size_t kDeltaOffset = 208;
inline constexpr std::size_t kBlockBytes = 210;

// See Format in formats.h.
void decode_row(float* out, const std::byte* row, int cols) noexcept;
/// The best of 19 trial scales for each 16, by squared error weighted with x^2; all in float32. A
/// block with a NaN, an infinity or more than 1e12 (no half-precision scale reaches a thousandth
/// of that) decodes to NaN, so that it can not pass unseen.
void encode_row(std::byte* row, const float* in, int cols) noexcept;
[[nodiscard]] std::size_t strip_bytes(int cols) noexcept;
void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept;

}  // namespace gemma2::q6_k
