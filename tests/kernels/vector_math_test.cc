// SPDX-License-Identifier: Apache-2.0
//
// Accuracy of exp, tanh, soft cap and GeGLU against double. All instruction sets give the
// reference's bits (elementwise_parity_test.cc), so the reference alone is measured.
#include "kernels/cpu/vector_math.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/reference/lanes.h"
#include "kernels/kernel_inputs.h"
#include "quant/format_values.h"

namespace gemma2 {
namespace {

using Lanes = cpu::reference::Lanes;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kMax = std::numeric_limits<float>::max();

template <typename Function>
float evaluate(Function function, float x) {
  float lanes[16];
  function(Lanes::broadcast(x)).store(lanes);
  return lanes[0];
}
float exp_of(float x) {
  return evaluate([](Lanes v) { return cpu::exp_lanes(v); }, x);
}
float tanh_of(float x) {
  return evaluate([](Lanes v) { return cpu::tanh_lanes(v); }, x);
}

float soft_cap(float x, float cap) {
  test::tables().front()->soft_cap(&x, 1, cap);
  return x;
}
float geglu(float gate, float up) {
  float out = 0;
  test::tables().front()->geglu(&out, &gate, &up, 1);
  return out;
}

// Error in units of the last place of the float nearest to the true value.
double ulps(float got, double expected) {
  const auto near = static_cast<float>(std::fabs(expected));
  const double unit = double{std::nextafter(near, kInfinity)} - near;
  return std::fabs(got - expected) / unit;
}

// Both signs of `count` seeded magnitudes, their logarithms spread evenly over [low, high].
std::vector<float> spread(float low, float high, int count) {
  test::Lcg lcg(61);
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    const double t = (lcg.uniform() + 1.0) / 2;
    const auto x = static_cast<float>(low * std::pow(double{high} / low, t));
    values.push_back(x);
    values.push_back(-x);
  }
  return values;
}

TEST(VectorMath, ExpIsWithin1Point2Ulp) {
  double worst = 0;
  for (float x : spread(1e-8F, 87.0F, 200000)) {
    worst = std::max(worst, ulps(exp_of(x), std::exp(double{x})));
  }
  RecordProperty("worst_ulp", std::to_string(worst));
  EXPECT_LE(worst, 1.2);
}

TEST(VectorMath, ExpOfExtremes) {
  for (float x : {0.0F, -0.0F, 1e-45F, -1e-40F, 1e-30F, -1e-30F}) EXPECT_EQ(exp_of(x), 1.0F) << x;
  for (float x : {88.0F, 89.0F, 1e30F, kMax, kInfinity}) EXPECT_EQ(exp_of(x), exp_of(88.0F)) << x;
  for (float x : {-88.0F, -1e30F, -kMax, -kInfinity}) EXPECT_EQ(exp_of(x), exp_of(-87.0F)) << x;
  EXPECT_TRUE(std::isfinite(exp_of(kInfinity)));
  EXPECT_GT(exp_of(-kInfinity), 0.0F);
  EXPECT_LT(exp_of(-kInfinity), 2e-38F);
  EXPECT_TRUE(std::isnan(exp_of(kNan)));
}

TEST(VectorMath, TanhIsWithin2Ulp) {
  double worst = 0;
  for (float x : spread(1e-30F, 20.0F, 200000)) {
    worst = std::max(worst, ulps(tanh_of(x), std::tanh(double{x})));
  }
  RecordProperty("worst_ulp", std::to_string(worst));
  EXPECT_LE(worst, 2.0);
}

TEST(VectorMath, TanhIsOddAndSaturates) {
  for (float x : spread(1e-44F, 1e38F, 2000)) {
    ASSERT_EQ(tanh_of(-x), -tanh_of(x)) << x;
    ASSERT_LE(std::fabs(tanh_of(x)), 1.0F) << x;
  }
  for (float x : {0.0F, -0.0F, 1e-45F, -1e-40F}) EXPECT_EQ(tanh_of(x), x) << x;
  for (float x : {10.0F, 1e30F, kMax, kInfinity}) EXPECT_EQ(tanh_of(x), 1.0F) << x;
  EXPECT_TRUE(std::isnan(tanh_of(kNan)));
}

TEST(VectorMath, SoftCapIsWithin4Ulp) {
  for (float cap : {30.0F, 50.0F}) {
    double worst = 0;
    for (float x : spread(1e-28F, 400.0F, 100000)) {
      worst = std::max(worst, ulps(soft_cap(x, cap), cap * std::tanh(double{x} / cap)));
    }
    RecordProperty("worst_ulp", std::to_string(worst));
    EXPECT_LE(worst, 4.0) << cap;
  }
}

TEST(VectorMath, SoftCapSaturatesAtTheCap) {
  for (float x : {400.0F, 1e30F, kMax, kInfinity}) {
    EXPECT_EQ(soft_cap(x, 30.0F), 30.0F) << x;
    EXPECT_EQ(soft_cap(-x, 30.0F), -30.0F) << x;
  }
  EXPECT_EQ(soft_cap(0.0F, 30.0F), 0.0F);
  EXPECT_TRUE(std::isnan(soft_cap(kNan, 30.0F)));
}

double exact_gelu(double x) {
  constexpr double kRootTwoOverPi = 0.79788456080286535588;
  return x / (1 + std::exp(-2 * kRootTwoOverPi * (x + 0.044715 * x * x * x)));
}

TEST(VectorMath, GeluIsAccurateWhereItMattersAndItsTailVanishes) {
  double worst = 0;
  for (float x : spread(1e-30F, 30.0F, 200000)) {
    const double expected = exact_gelu(x);
    // For negative x the exponential magnifies the rounding of its argument, up to 87 in size.
    const double scale = std::fabs(expected) * (x > 0 ? 1 : 1 + std::fabs(x * (1 + 0.04 * x * x)));
    const double error = std::fabs(geglu(x, 1.0F) - expected);
    ASSERT_LE(error, scale * 0x1p-21 + 1e-35) << x;
    worst = std::max(worst, error / std::max(1.0, std::fabs(double{x})));
  }
  RecordProperty("worst_error_in_2^-24", std::to_string(worst * 0x1p24));
  EXPECT_LE(worst, 1.5e-7);
}

TEST(VectorMath, GeGluIsFiniteForFiniteValues) {
  for (float x : spread(1e-44F, 1e30F, 20000)) {
    const float y = geglu(x, 0.5F);
    ASSERT_TRUE(std::isfinite(y)) << x;
    if (x > 10.0F) {
      ASSERT_EQ(y, 0.5F * x);
    }
    if (x < -20.0F) {
      ASSERT_LE(std::fabs(y), 1e-8F) << x;
    }
  }
  EXPECT_TRUE(std::isnan(geglu(kNan, 1.0F)));
  EXPECT_TRUE(std::isnan(geglu(1.0F, kNan)));
}

}  // namespace
}  // namespace gemma2
