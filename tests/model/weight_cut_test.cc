// SPDX-License-Identifier: Apache-2.0
//
// Cuts and draws against sorting and summing everything.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/row_math.h"
#include "model/candidate_filters.h"

namespace gemma2 {
namespace {

/// Indices, best first, ties by lower index.
std::vector<std::size_t> sorted(const std::vector<float>& weights) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  return order;
}

std::vector<std::size_t> kept(const std::vector<float>& weights, const Cut& cut) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool ties = weights[i] == cut.weight && i <= cut.last;
    if (weights[i] > cut.weight || ties) result.push_back(i);
  }
  return result;
}

std::vector<float> block_sums(const std::vector<float>& weights) {
  std::vector<float> sums;
  for (std::size_t first = 0; first < weights.size(); first += kRowBlock) {
    const auto rest = std::span(weights).subspan(first);
    sums.push_back(sum_from(rest.first(std::min<std::size_t>(kRowBlock, rest.size())), 0));
  }
  return sums;
}

/// Weights with a best of 1, `kind` decides about the rest.
std::vector<float> make_weights(std::mt19937& random, std::size_t size, int kind) {
  std::vector<float> weights(size);
  for (float& w : weights) {
    const float u = static_cast<float>(random() % 100000) / 100000;
    if (kind == 0) w = u;                                             // flat
    if (kind == 1) w = std::exp(-40 * u);                             // peaked
    if (kind == 2) w = std::exp2(-static_cast<float>(random() % 9));  // many ties
    if (kind == 3) w = std::bit_cast<float>(0x3F000000U + static_cast<unsigned>(random() % 40));
    if (kind == 4) w = 1;
    if (kind == 5) w = random() % 3 == 0 ? 0 : std::exp(-86 * u);  // banned ones, tiny ones
  }
  weights[random() % size] = 1;
  return weights;
}

TEST(CutTopP, KeepsWhatASortKeeps) {
  std::mt19937 random(1);
  for (int round = 0; round < 600; ++round) {
    const std::vector<float> weights = make_weights(random, 1 + random() % 2000, round % 6);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    // Never where a tie of sums could be decided by rounding.
    const double wanted = total * (static_cast<double>(random() % 1000) + 0.31731) / 1001;
    std::vector<std::size_t> expected;
    double before = 0;
    for (const std::size_t i : sorted(weights)) {
      if (before >= wanted) break;
      before += weights[i];
      expected.push_back(i);
    }
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(kept(weights, cut_top_p(weights, wanted)), expected) << "round " << round;
  }
}

TEST(CutTopP, OfEqualWeightsKeepsTheLowestIndices) {
  const std::vector<float> weights(1000, 1.0F);
  const Cut cut = cut_top_p(weights, 250);
  EXPECT_EQ(cut.weight, 1.0F);
  EXPECT_EQ(cut.last, 249U);
}

TEST(CutTopP, KeepsAllIfTheMarkIsOutOfReach) {
  const std::vector<float> weights = {1, 0.5F, 0.25F};
  EXPECT_EQ(kept(weights, cut_top_p(weights, 1.76)).size(), 3U);
  EXPECT_EQ(kept(weights, cut_top_p(weights, 1.75)).size(), 3U);
  EXPECT_EQ(kept(weights, cut_top_p(weights, 1.74)).size(), 3U);
  EXPECT_EQ(kept(weights, cut_top_p(weights, 1.5)).size(), 2U);
  EXPECT_EQ(kept(weights, cut_top_p(weights, 0.01)).size(), 1U);
}

TEST(Draw, ReachesEachShareAsAPlainSumDoes) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const std::vector<float> weights = make_weights(random, 1 + random() % 2000, round % 6);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    Cut cut;
    if (random() % 2 == 0) cut = cut_top_p(weights, 0.7 * total);
    const std::vector<std::size_t> candidates = kept(weights, cut);
    double mass = 0;
    for (const std::size_t i : candidates) mass += weights[i];
    for (int i = 0; i < 20; ++i) {
      const double u = (static_cast<double>(random() % 1000000) + 0.5) / 1000001;
      std::vector<float> sums = block_sums(weights);
      const std::size_t index = draw(weights, sums, cut, u);
      ASSERT_TRUE(std::binary_search(candidates.begin(), candidates.end(), index));
      ASSERT_GT(weights[index], 0.0F);
      // The share reached lies where plain float64 sums say, within the rounding of blocks.
      double before = 0;
      for (const std::size_t c : candidates) before += c < index ? weights[c] : 0;
      const double tolerance = mass * 0x1p-20;
      ASSERT_LE(before, u * mass + tolerance);
      ASSERT_GT(before + weights[index], u * mass - tolerance);
    }
  }
}

TEST(Draw, NeverGivesAnIndexWithoutWeight) {
  std::vector<float> weights(600, 0.0F);
  weights[300] = 1;
  weights[301] = 0x1p-30F;
  for (const double u : {0.0, 0.5, 1 - 0x1p-53}) {
    std::vector<float> sums = block_sums(weights);
    const std::size_t index = draw(weights, sums, {}, u);
    EXPECT_TRUE(index == 300 || index == 301) << u;
  }
}

TEST(BestTokenOfLogits, IsTheFirstMaximumOfWhatIsAllowed) {
  std::vector<float> logits(1000, -1.0F);
  logits[300] = logits[700] = 2;
  logits[0] = -INFINITY;
  EXPECT_EQ(best_token(logits, 999), 300);
  logits[300] = -INFINITY;
  EXPECT_EQ(best_token(logits, 998), 700);
}

}  // namespace
}  // namespace gemma2
