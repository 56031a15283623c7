// SPDX-License-Identifier: Apache-2.0
//
// The activation quantizer against the rule of quant/activation_block.h, written a second time in
// double arithmetic, and its promises to the kernels, in every table.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernel_inputs.h"

namespace gemma2 {
namespace {

using test::Kind;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Part {
  float scale = 0;
  std::array<int, 32> values = {};
};

int half_sum(const Part& part, std::size_t first) {
  int sum = 0;
  for (std::size_t i = first; i < first + 16; ++i) sum += std::abs(part.values[i]);
  return sum;
}

// x * inverse is exact in double, so this rounds once, as the rule says.
void round_values(Part& part, const float* x, float inverse) {
  for (std::size_t i = 0; i < 32; ++i) {
    part.values[i] = static_cast<int>(std::nearbyint(double{x[i]} * inverse));
  }
}

Part rule(const float* x) {
  Part part;
  float largest = 0;
  for (int i = 0; i < 32; ++i) {
    if (!std::isfinite(x[i])) return {kNan, {}};
    largest = std::max(largest, std::fabs(x[i]));
  }
  if (largest < 1e-30F) return part;
  float inverse = 127.0F / largest;
  part.scale = largest * (1.0F / 127.0F);
  round_values(part, x, inverse);
  const int sum = std::max(half_sum(part, 0), half_sum(part, 16));
  if (sum > 1023) {
    inverse *= 1007.0F / static_cast<float>(sum);
    part.scale *= static_cast<float>(sum) / 1007.0F;
    round_values(part, x, inverse);
  }
  return part;
}

class QuantizeQ8 : public test::EachTable {
 protected:
  static std::vector<ActivationBlock> quantize(const std::vector<float>& x) {
    const test::PageEnd input(x);
    test::Guarded<ActivationBlock> out(x.size() / 256);
    table().quantize_q8(out.data(), input.as<float>(), static_cast<int>(x.size()));
    EXPECT_TRUE(out.guards_intact());
    return out.content();
  }

  static void expect_rule(const std::vector<float>& x) {
    const std::vector<ActivationBlock> blocks = quantize(x);
    for (std::size_t at = 0; at < x.size(); at += 32) {
      const ActivationBlock& block = blocks[at / 256];
      const std::size_t first = at % 256;
      const Part part = rule(x.data() + at);
      ASSERT_TRUE(test::same_bits(block.scale[first / 32], part.scale)) << at;
      for (std::size_t i = 0; i < 32; ++i) {
        ASSERT_EQ(block.value[first + i], part.values[i]) << at + i << ": " << x[at + i];
      }
      for (std::size_t g = first / 16; g < first / 16 + 2; ++g) {
        int sum[2] = {0, 0};
        int magnitudes = 0;
        for (std::size_t i = 16 * g; i < 16 * g + 16; ++i) {
          sum[i / 2 % 2] += block.value[i];
          magnitudes += std::abs(block.value[i]);
        }
        ASSERT_EQ(block.sum[g], sum[0] + sum[1]) << at;
        ASSERT_EQ(block.offset[g][0], -32 * sum[0]) << at;
        ASSERT_EQ(block.offset[g][1], -32 * sum[1]) << at;
        ASSERT_LE(magnitudes, 1023) << at;
      }
    }
  }
};

TEST_P(QuantizeQ8, FollowsTheRuleForEveryKindOfValues) {
  for (Kind kind : test::kKinds) {
    SCOPED_TRACE(test::name_of(kind));
    for (int blocks : {1, 2, 9}) expect_rule(test::make_values(kind, 256 * blocks, 51));
  }
}

TEST_P(QuantizeQ8, LimitsTheSumOfFlatGroups) {
  std::vector<float> x = test::make_values(Kind::normal, 2560, 52);
  // From peaked to flat: values between +-a and +-1.
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float least = static_cast<float>(i / 32) / 80.0F;
    const float magnitude = least + (1.0F - least) * std::fabs(std::fmod(x[i], 1.0F));
    x[i] = x[i] < 0 ? -magnitude : magnitude;
  }
  expect_rule(x);
  expect_rule(std::vector<float>(256, 3.0F));
  expect_rule(std::vector<float>(256, -1e-29F));
}

TEST_P(QuantizeQ8, TiesGoToTheEvenValue) {
  std::vector<float> x(256, 0.0F);
  x[0] = 127.0F;
  x[1] = 2.5F;
  x[2] = -2.5F;
  x[3] = 3.5F;
  const ActivationBlock block = quantize(x)[0];
  EXPECT_EQ(block.value[0], 127);
  EXPECT_EQ(block.value[1], 2);
  EXPECT_EQ(block.value[2], -2);
  EXPECT_EQ(block.value[3], 4);
}

TEST_P(QuantizeQ8, NonFiniteValuesSpoilTheirOwn32Alone) {
  for (float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    std::vector<float> x = test::make_values(Kind::normal, 256, 53);
    x[100] = bad;
    const ActivationBlock block = quantize(x)[0];
    for (int b = 0; b < 8; ++b) ASSERT_EQ(std::isnan(block.scale[b]), b == 3) << bad;
    for (int i = 96; i < 128; ++i) ASSERT_EQ(block.value[i], 0) << bad;
    ASSERT_EQ(block.sum[6], 0);
    ASSERT_EQ(block.sum[7], 0);
  }
}

TEST_P(QuantizeQ8, ExtremesOfTheRangeStayFinite) {
  constexpr float kMax = std::numeric_limits<float>::max();
  for (float x : {kMax, -kMax, 1e-30F, 0.99e-30F, std::numeric_limits<float>::denorm_min()}) {
    std::vector<float> values(256, 0.0F);
    values[77] = x;
    expect_rule(values);
    const ActivationBlock block = quantize(values)[0];
    for (float scale : block.scale) ASSERT_TRUE(std::isfinite(scale)) << x;
  }
}

GEMMA2_TEST_EACH_TABLE(QuantizeQ8);

}  // namespace
}  // namespace gemma2
