// SPDX-License-Identifier: Apache-2.0
#include "quant/bf16.h"

#include <cstring>

#include "quant/strip_words.h"

namespace gemma2::bf16 {

void decode_row(float* out, const std::byte* row, int cols) noexcept {
  for (int i = 0; i < cols; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, row + static_cast<std::size_t>(i) * 2, 2);
    out[i] = bf16_to_f32(half);
  }
}

void encode_row(std::byte* row, const float* in, int cols) noexcept {
  for (int i = 0; i < cols; ++i) {
    const std::uint16_t half = f32_to_bf16(in[i]);
    std::memcpy(row + static_cast<std::size_t>(i) * 2, &half, 2);
  }
}

std::size_t strip_bytes(int cols) noexcept {
  return halves_strip_bytes(cols);
}

void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept {
  pack_halves(strip, stored, first);
}

}  // namespace gemma2::bf16
