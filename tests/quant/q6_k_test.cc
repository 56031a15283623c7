// SPDX-License-Identifier: Apache-2.0
//
// The encoder is also compared with a second, scalar writing of the rule, one sub-block at a time.
#include "quant/q6_k.h"

#include <algorithm>
#include <array>
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

using Block = std::vector<std::byte>;

std::vector<float> decode(const Block& row) {
  std::vector<float> out(row.size() / q6_k::kBlockBytes * q6_k::kBlock);
  q6_k::decode_row(out.data(), row.data(), static_cast<int>(out.size()));
  return out;
}

Block encode(const std::vector<float>& in) {
  Block row(in.size() / q6_k::kBlock * q6_k::kBlockBytes);
  q6_k::encode_row(row.data(), in.data(), static_cast<int>(in.size()));
  return row;
}

float level_of(float x) {
  return std::clamp(std::nearbyint(x), -32.0f, 31.0f);
}

struct SubBlock {
  float scale = 0;
  std::array<float, 16> levels = {};
};

SubBlock search(const float* x) {
  SubBlock best;
  const float extreme =
      *std::max_element(x, x + 16, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (std::fabs(extreme) < 1e-15f) return best;
  float score = 0;
  for (int step = 0; step < 19; ++step) {
    const int trial = step == 0 ? 0 : step <= 9 ? step - 10 : step - 9;  // 0, -9 .. -1, 1 .. 9
    const float inverse = -(32.0f + 0.1f * static_cast<float>(trial)) / extreme;
    std::array<float, 16> levels = {};
    float a = 0;
    float b = 0;
    for (std::size_t i = 0; i < 16; ++i) {
      levels[i] = level_of(inverse * x[i]);
      const float w = x[i] * x[i];
      a += w * x[i] * levels[i];
      b += w * levels[i] * levels[i];
    }
    if (step != 0 && !(b > 0 && a * a > score * b)) continue;
    best = {a / b, levels};
    score = best.scale * a;
  }
  return best;
}

// Decoded values of the block that the rule stores for x[256].
std::vector<float> rule(const float* x) {
  std::array<SubBlock, 16> subs;
  float peak = 0;
  for (std::size_t j = 0; j < 16; ++j) {
    subs[j] = search(x + 16 * j);
    if (std::fabs(subs[j].scale) > std::fabs(peak)) peak = subs[j].scale;
  }
  std::vector<float> out(256);
  if (std::fabs(peak) < 1e-15f) return out;
  const float inverse = -128.0f / peak;
  const float d = f16_to_f32(f32_to_f16(1.0f / inverse));
  for (std::size_t i = 0; i < 256; ++i) {
    const SubBlock& sub = subs[i / 16];
    const float step = d * std::min(127.0f, std::nearbyint(inverse * sub.scale));
    out[i] = step * (step != 0 ? level_of(x[i] / step) : sub.levels[i % 16]);
  }
  return out;
}

void expect_rule(const std::vector<float>& in, const char* what) {
  const std::vector<float> out = decode(encode(in));
  for (std::size_t block = 0; block < in.size(); block += 256) {
    const std::vector<float> expected = rule(in.data() + block);
    for (std::size_t i = 0; i < 256; ++i) {
      ASSERT_EQ(out[block + i], expected[i]) << what << ": " << block + i;
    }
  }
}

TEST(Q6K, DecodesTheKnownBlock) {
  Block block = test::byte_ramp(q6_k::kBlockBytes);
  block[q6_k::kDeltaOffset] = std::byte{0x00};
  block[q6_k::kDeltaOffset + 1] = std::byte{0x38};  // 0.5
  const std::vector<float> x = decode(block);
  constexpr std::array<std::pair<std::size_t, float>, 13> kKnown = {{{0, -715.5f},
                                                                     {1, 848.0f},
                                                                     {31, -48.0f},
                                                                     {32, 115.5f},
                                                                     {63, -290.0f},
                                                                     {64, -1520.0f},
                                                                     {95, 1488.0f},
                                                                     {96, -435.0f},
                                                                     {127, 750.0f},
                                                                     {128, -175.5f},
                                                                     {160, 335.5f},
                                                                     {200, 544.5f},
                                                                     {255, -30.0f}}};
  for (const auto& [i, value] : kKnown) EXPECT_EQ(x[i], value) << i;
  EXPECT_EQ(std::accumulate(x.begin(), x.end(), 0.0f), 2306.0f);
}

TEST(Q6K, EncodesTheKnownBlock) {
  const Block row = encode(test::uniform_values(1, 256));
  EXPECT_EQ(row[0], std::byte{0xdf});
  EXPECT_EQ(row[209], std::byte{0x8c});
  EXPECT_EQ(test::crc32(row), 0x2ee867b6u);
}

TEST(Q6K, EncodesAsTheRuleOneSubBlockAtATime) {
  std::vector<float> in = test::uniform_values(11, 256 * 40);
  expect_rule(in, "uniform");
  for (std::size_t i = 0; i < in.size(); ++i) in[i] *= in[i] * in[i] * 0.02f;
  expect_rule(in, "peaked");
  for (std::size_t i = 0; i < in.size(); i += 97) in[i] *= 300.0f;
  expect_rule(in, "outliers");
  for (std::size_t i = 0; i < in.size(); ++i) in[i] *= i / 16 % 3 == 0 ? 1e-9f : 1e-4f;
  expect_rule(in, "tiny sub-blocks and subnormal scales");
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = i / 16 % 2 == 0 ? 0.0f : in[i] * 1e6f;
  expect_rule(in, "empty sub-blocks");
}

TEST(Q6K, EncodedUniformValuesHaveTheKnownError) {
  const std::vector<float> in = test::uniform_values(1, 256);
  const std::vector<float> out = decode(encode(in));
  double sum = 0;
  for (std::size_t i = 0; i < 256; ++i) sum += (out[i] - in[i]) * (out[i] - in[i]);
  EXPECT_NEAR(std::sqrt(sum / 256), 0.007674, 5e-7);
}

TEST(Q6K, ZerosAreStoredAsZeroBytes) {
  EXPECT_EQ(encode(std::vector<float>(256, 0.0f)), Block(q6_k::kBlockBytes));
  EXPECT_EQ(encode(std::vector<float>(256, 1e-16f)), Block(q6_k::kBlockBytes));
  EXPECT_EQ(encode(std::vector<float>(256, -1e-45f)), Block(q6_k::kBlockBytes));
}

TEST(Q6K, ABlockThatCanNotBeStoredDecodesToNanAlone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 1e30f}) {
    std::vector<float> in = test::uniform_values(5, 512);
    in[300] = bad;
    const std::vector<float> x = decode(encode(in));
    for (std::size_t i = 0; i < 256; ++i) ASSERT_TRUE(std::isfinite(x[i])) << bad;
    for (std::size_t i = 256; i < 512; ++i) ASSERT_TRUE(std::isnan(x[i])) << bad << " " << i;
  }
}

TEST(Q6K, ADeltaBeyondHalfPrecisionIsNotFinite) {
  for (float value : decode(encode(test::uniform_values(5, 256)))) {
    ASSERT_TRUE(std::isfinite(value));
  }
  std::vector<float> in(256, 1e11f);
  for (float value : decode(encode(in))) ASSERT_FALSE(std::isfinite(value));
}

}  // namespace
}  // namespace gemma2
