// SPDX-License-Identifier: Apache-2.0
//
// Packed strips read back one weight at a time, straight from the layout's description, must hold
// exactly what the stored rows decode to.
#include "quant/packed_strips.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/format_values.h"
#include "quant/formats.h"

namespace gemma2 {
namespace {

std::uint16_t half_at(const std::byte* from) {
  std::uint16_t half = 0;
  std::memcpy(&half, from, 2);
  return half;
}

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

float q8_0_weight(const std::byte* strip, int row, int k) {
  const std::byte* frame = strip + at(k / kQ8FrameCols) * kQ8FrameBytes;
  const int in_frame = k % kQ8FrameCols;
  const float scale = f16_to_f32(half_at(frame + at((in_frame / 32 * 16 + row) * 2)));
  const std::byte quant = frame[kQ8ScaleBytes + at((in_frame / 4 * 16 + row) * 4 + k % 4)];
  return scale * static_cast<float>(static_cast<int>(quant) - 128);
}

float q6_k_weight(const std::byte* strip, int row, int k, int cols) {
  const float delta = f16_to_f32(half_at(strip + at((k / kQ6Block * 16 + row) * 2)));
  const std::byte* quarter = strip + q6_k_tiles_offset(cols) + at(k / 64) * kQ6QuarterBytes;
  const int group = k % 64 / kQ6Group;
  const int quad = k % kQ6Group / 4;
  const auto scale = static_cast<std::int8_t>(quarter[at(group * 16 + row)]);
  const std::byte* lane = quarter + 64 + at(group) * kQ6GroupBytes + at(row * 4 + k % 4);
  const auto pair = [lane](int plane) { return static_cast<int>(lane[at(64 * plane)]) >> 6; };
  const int six =
      quad < 3 ? static_cast<int>(lane[at(64 * quad)]) & 63 : pair(0) << 4 | pair(1) << 2 | pair(2);
  return delta * static_cast<float>(scale) * static_cast<float>(six - 32);
}

float packed_weight(DType type, const std::byte* strip, int row, int k, int cols) {
  const std::size_t pair = at((k / 2 * 16 + row) * 4 + k % 2 * 2);
  switch (type) {
    case DType::f32: {
      float value = 0;
      std::memcpy(&value, strip + at((k * 16 + row) * 4), 4);
      return value;
    }
    case DType::f16:
      return f16_to_f32(half_at(strip + pair));
    case DType::bf16:
      return bf16_to_f32(half_at(strip + pair));
    case DType::q8_0:
      return q8_0_weight(strip, row, k);
    case DType::q6_k:
      return q6_k_weight(strip, row, k, cols);
  }
  return 0;
}

// Random stored bytes with finite scales: every quant value occurs, which no encoder promises.
std::vector<std::byte> random_rows(const Format& format, int rows, int cols, std::uint32_t seed) {
  test::Lcg lcg(seed);
  std::vector<std::byte> stored(at(rows) * row_bytes(format, cols));
  for (std::byte& byte : stored) byte = static_cast<std::byte>(lcg.next() >> 24);
  const std::size_t step = format.block_bytes;
  for (std::size_t block = 0; block < stored.size(); block += step) {
    // The byte with the exponent of the value or of the block's scale: no infinities, no NaN.
    const std::size_t exponent = format.type == DType::q8_0 ? 1 : step - 1;
    stored[block + exponent] &= std::byte{0xbb};
  }
  return stored;
}

void expect_strips_hold_rows(DType type, int rows, int cols) {
  const Format& format = format_of(type);
  const std::vector<std::byte> stored = random_rows(format, rows, cols, 17);
  const TensorView view = {type, rows, cols, stored.data()};
  const std::size_t bytes = format.strip_bytes(cols);
  ASSERT_EQ(bytes % 64, 0u);
  std::vector<float> expected(at(cols));
  for (int first = 0; first < rows; first += kStripRows) {
    constexpr std::byte kGuard{0x5a};
    std::vector<std::byte> strip(bytes + 64, kGuard);
    format.pack_strip(strip.data(), view, first);
    for (int row = 0; row < kStripRows; ++row) {
      std::fill(expected.begin(), expected.end(), 0.0f);
      if (first + row < rows) {
        format.decode_row(expected.data(),
                          stored.data() + at(first + row) * row_bytes(format, cols), cols);
      }
      for (int k = 0; k < cols; ++k) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(packed_weight(type, strip.data(), row, k, cols)),
                  std::bit_cast<std::uint32_t>(expected[at(k)]))
            << format.name << " " << rows << "x" << cols << " row " << first + row << " col " << k;
      }
    }
    for (std::size_t i = bytes; i < strip.size(); ++i) ASSERT_EQ(strip[i], kGuard);
  }
}

TEST(PackedStrips, HoldWhatTheRowsDecodeTo) {
  for (const Format& format : all_formats()) {
    for (int rows : {1, 15, 16, 17, 48}) {
      for (int blocks : {1, 2, 3, 9}) {
        expect_strips_hold_rows(format.type, rows, blocks * format.block_size);
      }
    }
  }
}

TEST(PackedStrips, HoldLongRowsAndOddOnes) {
  for (DType type : {DType::f32, DType::f16, DType::bf16}) {
    for (int cols : {31, 32, 33, 255, 256, 257}) expect_strips_hold_rows(type, 18, cols);
  }
  for (int cols : {96, 256, 544}) expect_strips_hold_rows(DType::q8_0, 18, cols);
  expect_strips_hold_rows(DType::q6_k, 18, 2304);
}

TEST(PackedStrips, AnOddLastColumnIsPairedWithZero) {
  for (DType type : {DType::f16, DType::bf16}) {
    const Format& format = format_of(type);
    const std::vector<std::byte> stored = random_rows(format, 16, 5, 23);
    std::vector<std::byte> strip(format.strip_bytes(5), std::byte{0xff});
    format.pack_strip(strip.data(), {type, 16, 5, stored.data()}, 0);
    for (int row = 0; row < 16; ++row) {
      EXPECT_EQ(half_at(strip.data() + at((2 * 16 + row) * 4 + 2)), 0) << format.name;
    }
  }
}

TEST(PackedStrips, TheMissingHalfOfAQ8FrameIsZero) {
  const Format& format = format_of(DType::q8_0);
  const std::vector<std::byte> stored = random_rows(format, 16, 96, 29);
  std::vector<std::byte> strip(format.strip_bytes(96), std::byte{0xff});
  ASSERT_EQ(strip.size(), 2 * kQ8FrameBytes);
  format.pack_strip(strip.data(), {DType::q8_0, 16, 96, stored.data()}, 0);
  for (int row = 0; row < 16; ++row) {
    for (int k = 96; k < 128; ++k) ASSERT_EQ(q8_0_weight(strip.data(), row, k), 0.0f);
  }
}

}  // namespace
}  // namespace gemma2
