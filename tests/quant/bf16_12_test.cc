// SPDX-License-Identifier: Apache-2.0
//
// BF16 in 12 bits, against a reader written from the description of the layout alone: every bit
// comes back, whatever the weights are.
#include "quant/bf16_12.h"

#include <cstring>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "quant/bf16.h"
#include "quant/format_values.h"

namespace gemma2 {
namespace {

using Weights = std::vector<std::uint16_t>;

struct Matrix {
  int rows;
  int cols;
  Weights weights;

  Matrix(int r, int c, const std::function<std::uint16_t(test::Lcg&)>& weight) : rows(r), cols(c) {
    test::Lcg lcg(static_cast<std::uint32_t>(r * 1000 + c));
    for (int i = 0; i < r * c; ++i) weights.push_back(weight(lcg));
  }
  [[nodiscard]] TensorView view() const {
    return {DType::bf16, rows, cols, reinterpret_cast<const std::byte*>(weights.data())};
  }
};

std::uint16_t gaussian(test::Lcg& lcg) {
  float sum = 0;
  for (int i = 0; i < 12; ++i) sum += lcg.uniform();
  return f32_to_bf16(0.02F * sum);
}
std::uint16_t any_bits(test::Lcg& lcg) {
  return static_cast<std::uint16_t>(lcg.next() >> 16);
}

std::vector<std::byte> pack(const Matrix& matrix, int first, int more_room = 0) {
  const int escapes = bf16_12::count_escapes(matrix.view(), first) + more_room;
  std::vector<std::byte> strip(bf16_12::strip_bytes(matrix.cols, escapes), std::byte{0xA5});
  bf16_12::pack_strip(strip.data(), strip.size(), matrix.view(), first);
  return strip;
}

std::uint32_t word_at(const std::vector<std::byte>& strip, std::size_t at) {
  std::uint32_t word = 0;
  std::memcpy(&word, strip.data() + at, sizeof(word));
  return word;
}

/// [16][cols], from the head comment of bf16_12.h.
Weights unpack(const std::vector<std::byte>& strip, int cols) {
  Weights weights(std::size_t{16} * static_cast<std::size_t>(cols));
  const std::byte* quads = strip.data() + word_at(strip, 16);
  EXPECT_EQ(quads + (cols + 3) / 4 * 96, strip.data() + strip.size()) << "quads end with the strip";
  for (int row = 0; row < 16; ++row) {
    for (int k = 0; k < cols; ++k) {
      const std::byte* quad = quads + k / 4 * 96;
      const int place = row / 4 * 16 + k % 4 / 2 * 8 + row % 4 * 2 + k % 2;
      const int index = static_cast<int>(quad[64 + place % 32]) >> (place < 32 ? 0 : 4) & 15;
      weights[static_cast<std::size_t>(row * cols + k)] =
          static_cast<std::uint16_t>(static_cast<int>(strip[static_cast<std::size_t>(index)]) << 8 |
                                     static_cast<int>(quad[place]));
    }
  }
  int quad = 0;
  std::uint32_t count = 0;
  for (std::size_t at = 24;; at += 4, ++count) {
    const std::uint32_t escape = word_at(strip, at);
    if (escape == 0xFFFFFFFF) {
      EXPECT_EQ(count, word_at(strip, 20));
      return weights;
    }
    const auto k = static_cast<int>(escape >> 12);
    EXPECT_LE(quad, k / 4) << "escapes ascend by quad";
    quad = k / 4;
    std::uint16_t& weight =
        weights[static_cast<std::size_t>(static_cast<int>(escape >> 8 & 15) * cols + k)];
    weight = static_cast<std::uint16_t>((escape & 0xFF) << 8 | (weight & 0xFF));
  }
}

void expect_roundtrip(const Matrix& matrix) {
  for (int first = 0; first < matrix.rows; first += 16) {
    const Weights unpacked = unpack(pack(matrix, first), matrix.cols);
    for (int row = 0; row < 16; ++row) {
      for (int k = 0; k < matrix.cols; ++k) {
        const bool stored = first + row < matrix.rows;
        const int wanted =
            stored ? matrix.weights[static_cast<std::size_t>((first + row) * matrix.cols + k)] : 0;
        ASSERT_EQ(unpacked[static_cast<std::size_t>(row * matrix.cols + k)], wanted)
            << "row " << first + row << " column " << k << " of " << matrix.cols;
      }
    }
  }
}

TEST(Bf16In12Bits, EveryPatternComesBack) {
  std::uint16_t next = 0;
  expect_roundtrip(Matrix(64, 1024, [&](test::Lcg&) { return next++; }));
}

TEST(Bf16In12Bits, AnyShapeComesBack) {
  for (int cols : {1, 2, 7, 8, 9, 15, 16, 255, 256, 1031}) {
    for (int rows : {1, 15, 16, 37}) expect_roundtrip(Matrix(rows, cols, gaussian));
  }
}

TEST(Bf16In12Bits, HostileValuesComeBack) {
  expect_roundtrip(Matrix(32, 264, any_bits));
  expect_roundtrip(Matrix(32, 264, [](test::Lcg&) { return std::uint16_t{0}; }));
  for (int base : {0x0000, 0x0001, 0x007F, 0x7F80, 0x7FC1, 0x7F81, 0x3F80}) {  // denormals, NaNs
    expect_roundtrip(Matrix(32, 264, [&](test::Lcg& lcg) {
      return static_cast<std::uint16_t>(base | (lcg.next() >> 31) << 15);
    }));
  }
  expect_roundtrip(Matrix(32, 264, [](test::Lcg& lcg) {
    return lcg.next() >> 24 == 0 ? any_bits(lcg) : gaussian(lcg);
  }));
}

TEST(Bf16In12Bits, SixteenUpperBytesNeedNoEscape) {
  const Matrix matrix(16, 64, [](test::Lcg& lcg) {
    return static_cast<std::uint16_t>((lcg.next() >> 28) << 8 | (lcg.next() >> 24));
  });
  EXPECT_EQ(bf16_12::count_escapes(matrix.view(), 0), 0);
}

TEST(Bf16In12Bits, GaussianWeightsTakeThreeQuarters) {
  const Matrix matrix(16, 2304, gaussian);
  const int escapes = bf16_12::count_escapes(matrix.view(), 0);
  EXPECT_LT(escapes, 16 * 2304 / 1000);
  EXPECT_LT(static_cast<double>(bf16_12::strip_bytes(2304, escapes)),
            0.755 * static_cast<double>(bf16::strip_bytes(2304)));
}

TEST(Bf16In12Bits, RoomForMoreEscapesChangesNothing) {
  const Matrix matrix(16, 100, any_bits);
  EXPECT_EQ(unpack(pack(matrix, 0, 100), 100), unpack(pack(matrix, 0), 100));
}

}  // namespace
}  // namespace gemma2
