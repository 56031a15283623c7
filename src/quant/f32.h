// SPDX-License-Identifier: Apache-2.0
//
// The F32 weight format: stored as computed.
#pragma once

#include <cstddef>

#include "quant/tensor_view.h"

namespace gemma2::f32 {

// See Format in formats.h.
void decode_row(float* out, const std::byte* row, int cols) noexcept;
void encode_row(std::byte* row, const float* in, int cols) noexcept;
[[nodiscard]] std::size_t strip_bytes(int cols) noexcept;
void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept;

}  // namespace gemma2::f32
