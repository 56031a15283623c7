// SPDX-License-Identifier: Apache-2.0
//
// Norms, soft cap, GeGLU, RoPE, conversions and the lane sum: bitwise parity with the reference,
// and the reference against double. Inputs end at a page's end, outputs lie between guards.
#include <cmath>

#include "kernels/kernel_inputs.h"
#include "quant/bf16.h"

namespace gemma2 {
namespace {

using cpu::KernelTable;
using test::Guarded;
using test::Kind;
using test::PageEnd;

constexpr int kSizes[] = {1, 2, 15, 16, 17, 31, 33, 256, 1000, 2304};
constexpr float kEps = 1e-6F;

std::vector<float> rms_norm(const KernelTable& table, const std::vector<float>& x,
                            const std::vector<float>& scale) {
  const PageEnd input(x);
  const PageEnd scales(scale);
  Guarded<float> out(x.size());
  table.rms_norm(out.data(), input.as<float>(), scales.as<float>(), static_cast<int>(x.size()),
                 kEps);
  EXPECT_TRUE(out.guards_intact());
  // In place as well.
  table.rms_norm(input.as<float>(), input.as<float>(), scales.as<float>(),
                 static_cast<int>(x.size()), kEps);
  EXPECT_TRUE(test::same_bits(out.content(), std::span(input.as<float>(), x.size())));
  return out.content();
}

std::vector<float> rms_norm_add(const KernelTable& table, const std::vector<float>& residual,
                                const std::vector<float>& x, const std::vector<float>& scale) {
  const PageEnd input(x);
  const PageEnd scales(scale);
  Guarded<float> sum(residual);
  table.rms_norm_add(sum.data(), input.as<float>(), scales.as<float>(), static_cast<int>(x.size()),
                     kEps);
  EXPECT_TRUE(sum.guards_intact());
  return sum.content();
}

std::vector<float> soft_cap(const KernelTable& table, const std::vector<float>& x, float cap) {
  Guarded<float> out(x);
  table.soft_cap(out.data(), static_cast<int>(x.size()), cap);
  EXPECT_TRUE(out.guards_intact());
  return out.content();
}

std::vector<float> geglu(const KernelTable& table, const std::vector<float>& gate,
                         const std::vector<float>& up) {
  const PageEnd gates(gate);
  const PageEnd ups(up);
  Guarded<float> out(gate.size());
  table.geglu(out.data(), gates.as<float>(), ups.as<float>(), static_cast<int>(gate.size()));
  EXPECT_TRUE(out.guards_intact());
  table.geglu(gates.as<float>(), gates.as<float>(), ups.as<float>(), static_cast<int>(gate.size()));
  EXPECT_TRUE(test::same_bits(out.content(), std::span(gates.as<float>(), gate.size())));
  return out.content();
}

std::vector<float> rope(const KernelTable& table, const std::vector<float>& x,
                        const std::vector<float>& cos_sin) {
  const PageEnd angles(cos_sin);
  Guarded<float> out(x);
  table.rope(out.data(), angles.as<float>(), static_cast<int>(x.size()));
  EXPECT_TRUE(out.guards_intact());
  return out.content();
}

class ElementwiseParity : public test::EachTable {
 protected:
  template <typename Check>
  static void each_case(Check check) {
    for (int n : kSizes) {
      for (Kind kind : test::kKinds) {
        SCOPED_TRACE(testing::Message() << n << " of " << test::name_of(kind));
        check(test::make_values(kind, n, 1), test::make_values(Kind::normal, n, 2));
        if (HasFatalFailure()) return;
      }
    }
  }
};

TEST_P(ElementwiseParity, RmsNorm) {
  each_case([](const std::vector<float>& x, const std::vector<float>& scale) {
    ASSERT_TRUE(test::same_bits(rms_norm(table(), x, scale), rms_norm(reference(), x, scale)));
  });
}

TEST_P(ElementwiseParity, RmsNormAdd) {
  each_case([](const std::vector<float>& x, const std::vector<float>& scale) {
    const auto residual = test::make_values(Kind::outliers, static_cast<int>(x.size()), 3);
    ASSERT_TRUE(test::same_bits(rms_norm_add(table(), residual, x, scale),
                                rms_norm_add(reference(), residual, x, scale)));
  });
}

TEST_P(ElementwiseParity, SoftCap) {
  each_case([](const std::vector<float>& x, const std::vector<float>&) {
    for (float cap : {30.0F, 50.0F, 0.1F}) {
      ASSERT_TRUE(test::same_bits(soft_cap(table(), x, cap), soft_cap(reference(), x, cap)));
    }
  });
}

TEST_P(ElementwiseParity, BranchesOfTheFunctionsLieWhereTheReferenceHasThem) {
  std::vector<float> x;
  for (float border : {0.0F, 0.625F, 10.0F, 43.5F, 44.0F, 87.0F, 88.0F, 6.5F}) {
    for (float value : {std::nextafter(border, -1.0F), border, std::nextafter(border, 100.0F)}) {
      x.push_back(value);
      x.push_back(-value);
    }
  }
  ASSERT_TRUE(test::same_bits(soft_cap(table(), x, 1.0F), soft_cap(reference(), x, 1.0F)));
  ASSERT_TRUE(test::same_bits(geglu(table(), x, x), geglu(reference(), x, x)));
}

TEST_P(ElementwiseParity, GeGlu) {
  each_case([](const std::vector<float>& x, const std::vector<float>& up) {
    ASSERT_TRUE(test::same_bits(geglu(table(), x, up), geglu(reference(), x, up)));
    ASSERT_TRUE(test::same_bits(geglu(table(), up, x), geglu(reference(), up, x)));
  });
}

TEST_P(ElementwiseParity, Rope) {
  for (int head_dim : {2, 4, 20, 30, 64, 128, 256}) {
    for (Kind kind : test::kKinds) {
      const auto x = test::make_values(kind, head_dim, 4);
      const auto cos_sin = test::make_values(Kind::normal, head_dim, 5);
      ASSERT_TRUE(test::same_bits(rope(table(), x, cos_sin), rope(reference(), x, cos_sin)))
          << head_dim << " " << test::name_of(kind);
    }
  }
}

TEST_P(ElementwiseParity, ToBf16RoundsToNearestEvenAndKeepsNan) {
  for (int n : kSizes) {
    for (Kind kind : test::kKinds) {
      const auto x = test::make_values(kind, n, 6);
      const PageEnd input(x);
      Guarded<std::uint16_t> out(x.size());
      table().to_bf16(out.data(), input.as<float>(), n);
      ASSERT_TRUE(out.guards_intact());
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) {
          ASSERT_TRUE(std::isnan(bf16_to_f32(out.content()[i])));
        } else {
          ASSERT_EQ(out.data()[i], f32_to_bf16(x[i])) << test::name_of(kind) << " " << x[i];
        }
      }
    }
  }
}

TEST_P(ElementwiseParity, LanesAreSummedInTheFixedTree) {
  for (Kind kind : test::kKinds) {
    const PageEnd lanes(test::make_values(kind, 16, 7));
    ASSERT_TRUE(test::same_bits(table().reduce16(lanes.as<float>()),
                                reference().reduce16(lanes.as<float>())));
  }
}

TEST(ElementwiseReference, LaneSumsPairLanesEightFourTwoOneApart) {
  // Large terms cancel exactly only if lanes 8 apart meet first.
  std::vector<float> lanes(16, 0.0F);
  lanes[3] = 1e20F;
  lanes[11] = -1e20F;
  lanes[7] = 1.0F;
  EXPECT_EQ(test::tables().front()->reduce16(lanes.data()), 1.0F);
  std::swap(lanes[11], lanes[10]);  // now they meet last, and lanes 3 and 7 before
  EXPECT_EQ(test::tables().front()->reduce16(lanes.data()), 0.0F);
}

TEST(ElementwiseReference, NormDividesByTheRootMeanSquare) {
  for (int n : kSizes) {
    const auto x = test::make_values(Kind::outliers, n, 8);
    const auto scale = test::make_values(Kind::normal, n, 9);
    double squares = 0;
    for (float v : x) squares += double{v} * v;
    const double inverse = 1 / std::sqrt(squares / n + kEps);
    const auto out = rms_norm(*test::tables().front(), x, scale);
    const auto added = rms_norm_add(*test::tables().front(), scale, x, scale);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = x[i] * inverse * scale[i];
      // n / 16 roundings of a sum of squares, halved by the root, and five more.
      const double bound = std::fabs(expected) * (n / 32.0 + 6) * 0x1p-24 + 1e-44;
      ASSERT_NEAR(out[i], expected, bound) << n;
      ASSERT_NEAR(added[i], scale[i] + expected, bound + std::fabs(added[i]) * 0x1p-24) << n;
    }
  }
}

TEST(ElementwiseReference, RopeRotatesHalfSplitPairs) {
  const int head_dim = 20;
  const auto x = test::make_values(Kind::normal, head_dim, 10);
  std::vector<float> cos_sin(20);
  for (std::size_t i = 0; i < 10; ++i) {
    cos_sin[i] = std::cos(0.3F * static_cast<float>(i));
    cos_sin[10 + i] = std::sin(0.3F * static_cast<float>(i));
  }
  const auto out = rope(*test::tables().front(), x, cos_sin);
  for (std::size_t i = 0; i < 10; ++i) {
    const double c = cos_sin[i];
    const double s = cos_sin[10 + i];
    ASSERT_NEAR(out[i], x[i] * c - x[10 + i] * s, 3e-7) << i;
    ASSERT_NEAR(out[10 + i], x[i] * s + x[10 + i] * c, 3e-7) << i;
  }
}

GEMMA2_TEST_EACH_TABLE(ElementwiseParity);

}  // namespace
}  // namespace gemma2
