// SPDX-License-Identifier: Apache-2.0
//
// The scalar conversions against a second definition of the two formats, in double arithmetic.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/format_values.h"
#include "quant/formats.h"

namespace gemma2 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double f16_value(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

bool is_finite_half(std::uint16_t half) {
  return (half & 0x7c00) != 0x7c00;
}

TEST(F16, EveryFiniteHalfHasItsValueAndComesBack) {
  for (int i = 0; i < 65536; ++i) {
    const auto half = static_cast<std::uint16_t>(i);
    if (!is_finite_half(half)) continue;
    ASSERT_EQ(static_cast<double>(f16_to_f32(half)), f16_value(half)) << i;
    ASSERT_EQ(f32_to_f16(f16_to_f32(half)), half) << i;
  }
}

TEST(F16, HalfwayGoesToTheEvenNeighbourAndTheRestToTheNearest) {
  for (int i = 0; i < 0x7bff; ++i) {
    const auto below = static_cast<std::uint16_t>(i);
    const auto above = static_cast<std::uint16_t>(i + 1);
    const auto middle = static_cast<float>((f16_value(below) + f16_value(above)) / 2);
    const std::uint16_t even = i % 2 == 0 ? below : above;
    ASSERT_EQ(f32_to_f16(middle), even) << i;
    ASSERT_EQ(f32_to_f16(-middle), even | 0x8000) << i;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), below) << i;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, kInfinity)), above) << i;
  }
}

TEST(F16, OverflowsToInfinityFrom65520On) {
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e38f), 0xfc00);
  EXPECT_EQ(f32_to_f16(kInfinity), 0x7c00);
  EXPECT_EQ(f16_to_f32(0x7c00), kInfinity);
  EXPECT_EQ(f16_to_f32(0xfc00), -kInfinity);
}

TEST(F16, KeepsSignedZeroAndFlushesBelowHalfASubnormal) {
  EXPECT_EQ(f32_to_f16(0.0f), 0);
  EXPECT_EQ(f32_to_f16(-0.0f), 0x8000);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0);
  EXPECT_EQ(f32_to_f16(-1e-44f), 0x8000);
  EXPECT_TRUE(std::signbit(f16_to_f32(0x8000)));
}

TEST(F16, EveryNanStaysANan) {
  for (int i = 0x7c01; i < 0x8000; ++i) {
    const auto half = static_cast<std::uint16_t>(i);
    ASSERT_TRUE(std::isnan(f16_to_f32(half)));
    ASSERT_EQ(f32_to_f16(f16_to_f32(half)), half | 0x0200);
  }
  EXPECT_GT(f32_to_f16(std::bit_cast<float>(0x7f800001u)) & 0x03ff, 0);
}

TEST(Bf16, EveryValueComesBack) {
  for (int i = 0; i < 65536; ++i) {
    const auto half = static_cast<std::uint16_t>(i);
    const float value = bf16_to_f32(half);
    const auto expected = static_cast<std::uint16_t>(std::isnan(value) ? half | 0x40 : half);
    ASSERT_EQ(f32_to_bf16(value), expected) << i;
  }
}

TEST(Bf16, HalfwayGoesToTheEvenNeighbourAndTheRestToTheNearest) {
  for (std::uint32_t i = 0; i < 0x7f7f; ++i) {
    const auto even = static_cast<std::uint16_t>(i % 2 == 0 ? i : i + 1);
    const float middle = std::bit_cast<float>(i << 16 | 0x8000u);
    ASSERT_EQ(f32_to_bf16(middle), even) << i;
    ASSERT_EQ(f32_to_bf16(-middle), even | 0x8000) << i;
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(i << 16 | 0x7fffu)), i) << i;
    ASSERT_EQ(f32_to_bf16(std::bit_cast<float>(i << 16 | 0x8001u)), i + 1) << i;
  }
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
}

TEST(HalfFormats, RowsEncodeAndDecodeElementByElement) {
  for (DType type : {DType::f32, DType::f16, DType::bf16}) {
    const Format& format = format_of(type);
    const std::vector<float> in = test::uniform_values(3, 37);
    std::vector<std::byte> row(row_bytes(format, 37) + 1);
    std::vector<float> out(37);
    format.encode_row(row.data() + 1, in.data(), 37);  // rows lie at odd addresses too
    format.decode_row(out.data(), row.data() + 1, 37);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const float rounded = type == DType::f32   ? in[i]
                            : type == DType::f16 ? f16_to_f32(f32_to_f16(in[i]))
                                                 : bf16_to_f32(f32_to_bf16(in[i]));
      ASSERT_EQ(out[i], rounded) << format.name << " " << i;
    }
  }
}

}  // namespace
}  // namespace gemma2
