// SPDX-License-Identifier: Apache-2.0
//
// The Q8_0 weight format: 32 signed bytes that share a half-precision scale. POD only.
//
// Stored block, 34 bytes: scale (half), 32 int8. A weight is scale * value.
#pragma once

#include <cstddef>

#include "quant/tensor_view.h"

namespace gemma2::q8_0 {

inline constexpr int kBlock = 32;
inline constexpr std::size_t kBlockBytes = 34;

// See Format in formats.h.
void decode_row(float* out, const std::byte* row, int cols) noexcept;
/// scale = max|x| / 127; values round half away from zero. A block that holds an infinity or a NaN
/// decodes to NaN throughout, so that it can not pass unseen.
void encode_row(std::byte* row, const float* in, int cols) noexcept;
[[nodiscard]] std::size_t strip_bytes(int cols) noexcept;
void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept;

}  // namespace gemma2::q8_0
