// SPDX-License-Identifier: Apache-2.0
//
// The passes of sampling: bitwise parity with the reference, and the reference against double.
#include "kernels/row_math.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernel_inputs.h"

namespace gemma2 {
namespace {

using cpu::KernelTable;
using test::Guarded;
using test::Kind;
using test::PageEnd;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kSizes[] = {1, 15, 16, 17, 255, 256, 257, 300, 511, 513, 1000};

struct Maxima {
  std::vector<float> values;
  bool all_finite = false;
};

Maxima maxima_of(const KernelTable& table, const std::vector<float>& row) {
  const PageEnd input(row);
  Guarded<float> out(count_row_blocks(row.size()));
  const bool all_finite =
      table.block_maxima(out.data(), input.as<float>(), static_cast<int>(row.size()));
  EXPECT_TRUE(out.guards_intact());
  return {out.content(), all_finite};
}

struct Weighed {
  std::vector<float> weights;
  std::vector<float> sums;
};

Weighed weigh(const KernelTable& table, const std::vector<float>& row, float best, float factor) {
  const PageEnd input(row);
  Guarded<float> weights(row.size());
  Guarded<float> sums(count_row_blocks(row.size()));
  const int size = static_cast<int>(row.size());
  table.exp_weights(weights.data(), sums.data(), input.as<float>(), size, best, factor);
  EXPECT_TRUE(weights.guards_intact());
  EXPECT_TRUE(sums.guards_intact());
  // In place as well.
  table.exp_weights(input.as<float>(), sums.data(), input.as<float>(), size, best, factor);
  EXPECT_TRUE(test::same_bits(weights.content(), std::span(input.as<float>(), row.size())));
  return {weights.content(), sums.content()};
}

/// Some values with the largest in front, -inf now and then.
std::vector<float> make_row(int size, std::uint32_t seed) {
  std::vector<float> row = test::make_values(Kind::normal, size, seed);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = i % 7 == 3 ? -kInfinity : row[i] * 20;
  return row;
}

class RowMath : public test::EachTable {};

TEST_P(RowMath, HasTheBitsOfTheReference) {
  for (const int size : kSizes) {
    for (const Kind kind : test::kKinds) {
      const std::vector<float> row = test::make_values(kind, size, 5);
      const Maxima found = maxima_of(table(), row);
      const Maxima expected = maxima_of(reference(), row);
      const bool all_finite =
          std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); });
      EXPECT_EQ(found.all_finite, all_finite) << size << test::name_of(kind);
      EXPECT_EQ(expected.all_finite, all_finite) << size << test::name_of(kind);
      if (all_finite) {
        EXPECT_TRUE(test::same_bits(found.values, expected.values));
      }
    }
    const std::vector<float> row = make_row(size, 6);
    const float best = *std::max_element(row.begin(), row.end());
    for (const float factor : {1.0F, 0.01F, 3.0F, 1e30F, std::numeric_limits<float>::max()}) {
      const Weighed found = weigh(table(), row, best, factor);
      const Weighed expected = weigh(reference(), row, best, factor);
      EXPECT_TRUE(test::same_bits(found.weights, expected.weights)) << size << ' ' << factor;
      EXPECT_TRUE(test::same_bits(found.sums, expected.sums)) << size << ' ' << factor;
      for (const float least : {0.0F, 0.01F, 0.5F, 1.0F, 2.0F}) {
        const PageEnd weights(found.weights);
        EXPECT_EQ(table().sum_from(weights.as<float>(), size, least),
                  reference().sum_from(weights.as<float>(), size, least));
      }
    }
  }
}

TEST_P(RowMath, MaximaAreThoseOfBlocks) {
  const std::vector<float> row = make_row(1000, 7);
  const Maxima found = maxima_of(table(), row);
  ASSERT_EQ(found.values.size(), 4U);
  for (std::size_t b = 0; b < 4; ++b) {
    const auto first = row.begin() + static_cast<std::ptrdiff_t>(b * kRowBlock);
    const auto end = b == 3 ? row.end() : first + kRowBlock;
    EXPECT_EQ(found.values[b], *std::max_element(first, end));
  }
}

TEST_P(RowMath, SeesEveryValueThatIsNotFinite) {
  for (const float bad : {std::nanf(""), -std::nanf(""), kInfinity, -kInfinity}) {
    for (std::size_t i = 0; i < 300; ++i) {
      std::vector<float> row(300, 1.0F);
      EXPECT_TRUE(maxima_of(table(), row).all_finite);
      row[i] = bad;
      EXPECT_FALSE(maxima_of(table(), row).all_finite) << bad << " at " << i;
    }
  }
}

TEST_P(RowMath, WeightsAreExponentials) {
  std::vector<float> row(10000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = -static_cast<float>(i) * 0.0087F;
  const Weighed found = weigh(table(), row, 0, 1);
  for (std::size_t i = 0; i < row.size(); ++i) {
    // 1.2 units in the last place of a float32 are at most 1.2 * 2^-23 of it.
    const double exact = std::exp(double{row[i]});
    ASSERT_NEAR(found.weights[i], exact, exact * 1.2 * 0x1p-23) << row[i];
    ASSERT_LE(found.weights[i], 1.0F);
  }
  EXPECT_EQ(found.weights[0], 1.0F);
}

TEST_P(RowMath, NoWeightIsAboveTheBestOnes) {
  // cut_top_p relies on it. Close below the best, rounding decides.
  std::vector<float> row;
  for (std::uint32_t bits = 0; bits < 0x41000000U; bits += 9973) {
    row.push_back(-std::bit_cast<float>(bits));
  }
  for (const float weight : weigh(table(), row, 0, 1).weights) ASSERT_LE(weight, 1.0F);
}

TEST_P(RowMath, WhatIsTooUnlikelyHasNoWeightAtAll) {
  const std::vector<float> row = {0, -86.9F, -87.1F, -1e30F, -kInfinity};
  const Weighed found = weigh(table(), row, 0, 1);
  EXPECT_GT(found.weights[1], 0.0F);
  for (std::size_t i = 2; i < row.size(); ++i) EXPECT_EQ(found.weights[i], 0.0F) << row[i];
}

TEST_P(RowMath, SumsAreCloseToExact) {
  for (const int size : kSizes) {
    const std::vector<float> row = make_row(size, 8);
    const float best = *std::max_element(row.begin(), row.end());
    const Weighed found = weigh(table(), row, best, 0.5F);
    double exact = 0;
    double kept = 0;
    for (const float weight : found.weights) {
      exact += weight;
      kept += weight >= 0.25F ? weight : 0;
    }
    double total = 0;
    double total_kept = 0;
    for (std::size_t b = 0; b < found.sums.size(); ++b) {
      total += found.sums[b];
      const int first = static_cast<int>(b) * kRowBlock;
      total_kept +=
          table().sum_from(found.weights.data() + first, std::min(kRowBlock, size - first), 0.25F);
    }
    // Sixteen sums and a tree of four levels, each rounding by 2^-24 at most.
    EXPECT_NEAR(total, exact, exact * 20 * 0x1p-24) << size;
    EXPECT_NEAR(total_kept, kept, kept * 20 * 0x1p-24) << size;
  }
}

GEMMA2_TEST_EACH_TABLE(RowMath);

}  // namespace
}  // namespace gemma2
