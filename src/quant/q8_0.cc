// SPDX-License-Identifier: Apache-2.0
#include "quant/q8_0.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"
#include "quant/strip_words.h"

namespace gemma2::q8_0 {
namespace {

// Largest |x|, compared as integers so that a NaN wins.
float largest_magnitude(const float* in) noexcept {
  std::uint32_t largest = 0;
  for (int i = 0; i < kBlock; ++i) {
    largest = std::max(largest, __builtin_bit_cast(std::uint32_t, in[i]) & 0x7fffffffu);
  }
  return __builtin_bit_cast(float, largest);
}

// Half away from zero, for |x| <= 127. What a subnormal or non-finite scale makes of x lies
// outside: its value is of no consequence, but a cast of it would be undefined.
std::int8_t round_value(float x) noexcept {
  if (!(std::fabs(x) < 127.5f)) return x > 0 ? 127 : x < 0 ? -127 : 0;
  const int whole = static_cast<int>(x);
  const float rest = x - static_cast<float>(whole);  // exact
  return static_cast<std::int8_t>(whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0));
}

void encode_block(std::byte* block, const float* in) noexcept {
  const float scale = largest_magnitude(in) / 127.0f;
  const float inverse = scale != 0 ? 1.0f / scale : 0.0f;
  const std::uint16_t half = f32_to_f16(scale);
  std::memcpy(block, &half, 2);
  for (int i = 0; i < kBlock; ++i) {
    block[2 + i] = static_cast<std::byte>(round_value(in[i] * inverse));
  }
}

}  // namespace

void decode_row(float* out, const std::byte* row, int cols) noexcept {
  for (int begin = 0; begin < cols; begin += kBlock, row += kBlockBytes) {
    std::uint16_t half = 0;
    std::memcpy(&half, row, 2);
    const float scale = f16_to_f32(half);
    for (int i = 0; i < kBlock; ++i) {
      out[begin + i] = scale * static_cast<float>(static_cast<std::int8_t>(row[2 + i]));
    }
  }
}

void encode_row(std::byte* row, const float* in, int cols) noexcept {
  for (int begin = 0; begin < cols; begin += kBlock, row += kBlockBytes) {
    encode_block(row, in + begin);
  }
}

std::size_t strip_bytes(int cols) noexcept {
  return (static_cast<std::size_t>(cols) + kQ8FrameCols - 1) / kQ8FrameCols * kQ8FrameBytes;
}

void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept {
  constexpr std::uint32_t kOffset128 = 0x80808080u;  // int8 + 128, four at a time
  constexpr std::size_t kBlockQuants = kStripRows * kBlock;
  const std::size_t blocks = static_cast<std::size_t>(stored.cols / kBlock);
  const std::size_t stride = blocks * kBlockBytes;
  const std::byte* from = stored.data + static_cast<std::size_t>(first) * stride;
  const int rows = rows_of_strip(stored, first);
  for (std::size_t block = 0; block < (blocks + 1) / 2 * 2; ++block) {
    std::byte* frame = strip + block / 2 * kQ8FrameBytes;
    std::byte* scales = frame + block % 2 * kStripRows * 2;
    std::byte* quants = frame + kQ8ScaleBytes + block % 2 * kBlockQuants;
    // An odd last block is followed by one of zeros.
    const int present = block < blocks ? rows : 0;
    std::memset(scales, 0, kStripRows * 2);
    for (int row = 0; row < present; ++row) {
      std::memcpy(scales + row * 2,
                  from + static_cast<std::size_t>(row) * stride + block * kBlockBytes, 2);
    }
    interleave_words(quants, from + block * kBlockBytes + 2, stride, present, kBlock / 4,
                     kOffset128);
  }
}

}  // namespace gemma2::q8_0
