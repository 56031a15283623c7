// SPDX-License-Identifier: Apache-2.0
#include "quant/q8_0.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "quant/f16.h"
#include "quant/format_values.h"

namespace gemma2 {
namespace {

std::vector<float> decode(const std::vector<std::byte>& row) {
  std::vector<float> out(row.size() / q8_0::kBlockBytes * q8_0::kBlock);
  q8_0::decode_row(out.data(), row.data(), static_cast<int>(out.size()));
  return out;
}

std::vector<std::byte> encode(const std::vector<float>& in) {
  std::vector<std::byte> row(in.size() / q8_0::kBlock * q8_0::kBlockBytes);
  q8_0::encode_row(row.data(), in.data(), static_cast<int>(in.size()));
  return row;
}

TEST(Q8Zero, DecodesTheKnownBlock) {
  std::vector<std::byte> block = test::byte_ramp(q8_0::kBlockBytes);
  block[0] = std::byte{0x00};
  block[1] = std::byte{0x38};  // 0.5
  const std::vector<float> x = decode(block);
  EXPECT_EQ(x[0], 42.5f);
  EXPECT_EQ(x[1], 61.0f);
  EXPECT_EQ(x[15], -64.0f);
  EXPECT_EQ(x[16], -45.5f);
  EXPECT_EQ(x[17], -27.0f);
  EXPECT_EQ(x[31], -24.0f);
  EXPECT_EQ(std::accumulate(x.begin(), x.end(), 0.0f), -88.0f);
}

TEST(Q8Zero, EncodesTheKnownBlock) {
  const std::vector<std::byte> row = encode(test::uniform_values(1, 32));
  EXPECT_EQ(row[0], std::byte{0xcc});
  EXPECT_EQ(row[1], std::byte{0x1f});
  EXPECT_EQ(test::crc32(row), 0x05ba88a3u);
}

TEST(Q8Zero, HalvesRoundAwayFromZero) {
  std::vector<float> in(32, 0.0f);
  in[0] = 127.0f;  // scale 1
  in[1] = 2.5f;
  in[2] = -2.5f;
  in[3] = 0.49999997f;
  const std::vector<float> x = decode(encode(in));
  EXPECT_EQ(x[1], 3.0f);
  EXPECT_EQ(x[2], -3.0f);
  EXPECT_EQ(x[3], 0.0f);
}

TEST(Q8Zero, DecodingAnEncodedRowIsWithinHalfAStep) {
  const std::vector<float> in = test::uniform_values(7, 32 * 50);
  const std::vector<float> out = decode(encode(in));
  for (std::size_t i = 0; i < in.size(); ++i) {
    // Values are at most 1, so a step is at most 1/127; the half-precision scale adds 127 * 2^-11.
    ASSERT_NEAR(out[i], in[i], 0.5 / 127 + 0x1p-11) << i;
  }
}

TEST(Q8Zero, ZerosAndSubnormalsDecodeToZero) {
  for (float tiny : {0.0f, 1e-45f, 1e-43f, 1e-40f, -1e-39f}) {
    const std::vector<float> x = decode(encode(std::vector<float>(32, tiny)));
    for (float value : x) ASSERT_EQ(value, 0.0f) << tiny;
  }
}

TEST(Q8Zero, ABlockWithANanOrAnInfinityDecodesToNan) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    std::vector<float> in = test::uniform_values(5, 64);
    in[40] = bad;
    const std::vector<float> x = decode(encode(in));
    for (int i = 0; i < 32; ++i) ASSERT_TRUE(std::isfinite(x[static_cast<std::size_t>(i)]));
    for (int i = 32; i < 64; ++i) ASSERT_TRUE(std::isnan(x[static_cast<std::size_t>(i)])) << i;
  }
}

TEST(Q8Zero, ABlockBeyondHalfPrecisionScalesIsNotFinite) {
  for (float value : decode(encode(std::vector<float>(32, 1e30f)))) {
    ASSERT_FALSE(std::isfinite(value));
  }
}

}  // namespace
}  // namespace gemma2
