// SPDX-License-Identifier: Apache-2.0
#include "quant/f32.h"

#include <cstring>

#include "quant/strip_words.h"

namespace gemma2::f32 {

void decode_row(float* out, const std::byte* row, int cols) noexcept {
  std::memcpy(out, row, static_cast<std::size_t>(cols) * sizeof(float));
}

void encode_row(std::byte* row, const float* in, int cols) noexcept {
  std::memcpy(row, in, static_cast<std::size_t>(cols) * sizeof(float));
}

std::size_t strip_bytes(int cols) noexcept {
  return static_cast<std::size_t>(cols) * kStripRows * sizeof(float);
}

void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept {
  const std::size_t stride = static_cast<std::size_t>(stored.cols) * sizeof(float);
  interleave_words(strip, stored.data + static_cast<std::size_t>(first) * stride, stride,
                   rows_of_strip(stored, first), stored.cols, 0);
}

}  // namespace gemma2::f32
