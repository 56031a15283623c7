// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/error.h"
#include "gemma2/sampling.h"

#include "model/candidate_filters.h"
#include "model/sampling_math.h"

namespace gemma2 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_logits(std::mt19937& random, int count, float spread) {
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(static_cast<std::size_t>(count));
  for (float& x : logits) x = normal(random);
  return logits;
}

/// The same distribution by the plainest means: sort everything, then cut. Returns probabilities.
std::vector<double> naive_distribution(const std::vector<float>& logits,
                                       const SamplingOptions& options) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  const double best = logits[order[0]];
  if (options.top_k > 0) order.resize(std::min<std::size_t>(order.size(), options.top_k));
  std::vector<double> weight(logits.size(), 0);
  double total = 0;
  for (const std::size_t i : order) {
    weight[i] = std::exp((logits[i] - best) / options.temperature);
    total += weight[i];
  }
  double before = 0;
  double kept = 0;
  for (const std::size_t i : order) {
    const double own = weight[i];
    if ((options.top_p < 1 && before >= options.top_p * total) || own < options.min_p)
      weight[i] = 0;
    before += own;
    kept += weight[i];
  }
  for (double& w : weight) w /= kept;
  return weight;
}

// A weight is within 2^-18 of exact: its exponent, at most 87, and the logit itself are float32. So
// a share of the weights may be off by as much, and a token at whose border `u` lies may lose it.
constexpr double kWeightTolerance = 0x1p-18;

/// Whether `token` is what the share `u` of the probabilities gives.
bool is_drawn(const std::vector<double>& probabilities, TokenId token, double u) {
  const auto at = probabilities.begin() + token;
  const double before = std::accumulate(probabilities.begin(), at, 0.0);
  return *at > 0 && u >= before - kWeightTolerance && u < before + *at + kWeightTolerance;
}

std::string message_of(const SamplingOptions& options, int vocab_size = 16) {
  try {
    const Sampler sampler(options, vocab_size);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(Uniform01, IsInRangeAndEven) {
  constexpr int kDraws = 100000;
  constexpr int kCells = 20;
  std::vector<int> cells(kCells, 0);
  for (int i = 0; i < kDraws; ++i) {
    const double u = uniform01(7, static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++cells[static_cast<std::size_t>(u * kCells)];
  }
  // Each cell is binomial with sigma = sqrt(n p (1 - p)) = 69; 5 sigma for one of 20 by chance is
  // below 2e-5, and the sequence is fixed.
  for (const int count : cells) EXPECT_NEAR(count, kDraws / kCells, 5 * 69);
}

TEST(Uniform01, DiffersBetweenNeighbouringSeedsAndPositions) {
  std::set<double> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    for (std::uint64_t position = 0; position < 64; ++position) {
      seen.insert(uniform01(seed, position));
    }
  }
  EXPECT_EQ(seen.size(), 64U * 64U);
}

TEST(Uniform01, NeverChangesBetweenReleases) {
  // From an independent implementation in Python.
  EXPECT_EQ(uniform01(0, 0), 0x1.4e0dba5e9a32fp-1);
  EXPECT_EQ(uniform01(7, 1), 0x1.4ca60bfa671d9p-1);
  EXPECT_EQ(uniform01(~0ULL, 8191), 0x1.d02c37080edd9p-1);
}

TEST(ExpNonpositive, IsWithinTwoUnitsOfTheLibrary) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-707, 0);
  for (int i = 0; i < 100000; ++i) {
    const double x = i % 2 == 0 ? uniform(random) : uniform(random) / 100;
    double y = x;
    exp_nonpositive({&y, 1});
    ASSERT_NEAR(y, std::exp(x), 2 * std::exp(x) * std::numeric_limits<double>::epsilon()) << x;
  }
}

TEST(ExpNonpositive, IsOneAtZeroAndStaysNormalFarBelow) {
  double x[] = {0.0, -0.0, -709, -1e300, -std::numeric_limits<double>::infinity()};
  exp_nonpositive(x);
  EXPECT_THAT(x, testing::ElementsAre(1.0, 1.0, x[2], x[2], x[2]));
  EXPECT_TRUE(std::isnormal(x[2]));
  EXPECT_DOUBLE_EQ(x[2], std::exp(-708.0));
}

TEST(BestTokens, EqualASortForAnyCount) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const int size = 1 + static_cast<int>(random() % 200);
    std::vector<float> logits = random_logits(random, size, 3);
    for (float& x : logits) {
      if (round % 2 == 0) x = std::round(x);  // many ties
      if (random() % 10 == 0) x = -kInfinity;
    }
    const int count = static_cast<int>(random() % 220);
    std::vector<TokenId> expected;
    for (int i = 0; i < size; ++i) {
      if (logits[static_cast<std::size_t>(i)] != -kInfinity) expected.push_back(i);
    }
    std::stable_sort(expected.begin(), expected.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    expected.resize(std::min(expected.size(), static_cast<std::size_t>(count)));
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(best_tokens(logits, count), expected);
  }
}

TEST(Sampler, DrawsWhatANaiveImplementationDraws) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const int size = 2 + static_cast<int>(random() % 3000);
    const std::vector<float> logits = random_logits(random, size, 4);
    SamplingOptions options;
    options.temperature = 0.1F + static_cast<float>(random() % 30) / 10;
    if (random() % 2 == 0) options.top_k = 1 + static_cast<int>(random() % 100);
    if (random() % 2 == 0) options.top_p = static_cast<float>(1 + random() % 99) / 100;
    if (random() % 2 == 0) options.min_p = static_cast<float>(random() % 50) / 100;
    options.seed = random();
    const std::vector<double> expected = naive_distribution(logits, options);
    Sampler sampler(options, size);
    for (int position = 0; position < 20; ++position) {
      const double u = uniform01(options.seed, static_cast<std::uint64_t>(position));
      ASSERT_TRUE(is_drawn(expected, sampler.sample(logits, position), u)) << "round " << round;
    }
  }
}

TEST(Sampler, FollowsTheDistribution) {
  const std::vector<float> logits = {std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  Sampler sampler({.seed = 11}, 3);
  std::vector<int> counts(3, 0);
  constexpr int kDraws = 30000;
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(sampler.sample(logits, i))];
  // Five times the binomial's sigma, sqrt(n p (1 - p)) <= 87.
  EXPECT_NEAR(counts[0], 15000, 435);
  EXPECT_NEAR(counts[1], 9000, 435);
  EXPECT_NEAR(counts[2], 6000, 435);
}

TEST(Sampler, SameSeedSameTokensOtherSeedOthers) {
  std::mt19937 random(4);
  const std::vector<float> logits = random_logits(random, 1000, 1);
  const auto run = [&](std::uint64_t seed) {
    Sampler sampler({.seed = seed}, 1000);
    std::vector<TokenId> tokens;
    for (int i = 0; i < 32; ++i) tokens.push_back(sampler.sample(logits, i));
    return tokens;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(Sampler, DrawDependsOnThePositionNotOnTheCallsBefore) {
  std::mt19937 random(5);
  const std::vector<float> logits = random_logits(random, 1000, 1);
  Sampler used({.seed = 1}, 1000);
  for (int i = 0; i < 10; ++i) static_cast<void>(used.sample(logits, i));
  Sampler fresh({.seed = 1}, 1000);
  EXPECT_EQ(used.sample(logits, 3), fresh.sample(logits, 3));
}

TEST(Sampler, RecordedTokensNeverChange) {
  std::vector<float> logits(512);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>((i * 37) % 101) / 8;  // exact in float: the same everywhere
  }
  Sampler sampler({.temperature = 0.8F, .top_k = 100, .top_p = 0.9F, .min_p = 0.02F, .seed = 42},
                  512);
  std::vector<TokenId> tokens;
  for (int i = 0; i < 8; ++i) tokens.push_back(sampler.sample(logits, i));
  EXPECT_THAT(tokens, testing::ElementsAre(169, 483, 240, 30, 333, 30, 98, 363));
}

TEST(Sampler, GreedyTakesTheLowestIdOfEquals) {
  std::vector<float> logits(16, 1.0F);
  Sampler sampler({.temperature = 0}, 16);
  EXPECT_EQ(sampler.sample(logits, 0), 0);
  logits[9] = logits[12] = 2;
  EXPECT_EQ(sampler.sample(logits, 0), 9);
}

TEST(Sampler, TopKOfEqualsKeepsTheLowestIds) {
  const std::vector<float> logits(16, 1.0F);
  Sampler sampler({.top_k = 3}, 16);
  std::set<TokenId> seen;
  for (int i = 0; i < 200; ++i) seen.insert(sampler.sample(logits, i));
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2));
}

TEST(Sampler, TopPKeepsTheTokenThatCrossesTheMark) {
  // Mass before the tokens: 0, 1/4, 1/2, 3/4.
  const std::vector<float> logits(4, 0.0F);
  const auto seen_with = [&](float top_p) {
    Sampler sampler({.top_p = top_p}, 4);
    std::set<TokenId> seen;
    for (int i = 0; i < 200; ++i) seen.insert(sampler.sample(logits, i));
    return seen.size();
  };
  EXPECT_EQ(seen_with(0.001F), 1U);
  EXPECT_EQ(seen_with(0.25F), 1U);
  EXPECT_EQ(seen_with(0.26F), 2U);
  EXPECT_EQ(seen_with(0.5F), 2U);
  EXPECT_EQ(seen_with(0.99F), 4U);
}

TEST(Sampler, TopPIsAShareOfWhatTopKLeft) {
  const std::vector<float> logits = {3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
  Sampler sampler({.top_k = 2, .top_p = 0.5F}, 16);  // of all 16, half would take six more
  for (int i = 0; i < 50; ++i) EXPECT_EQ(sampler.sample(logits, i), 0);
}

TEST(Sampler, MinPIsAShareOfTheBest) {
  const std::vector<float> logits = {std::log(0.4F), std::log(0.35F), std::log(0.15F),
                                     std::log(0.1F)};
  Sampler sampler({.min_p = 0.5F}, 4);
  std::set<TokenId> seen;
  for (int i = 0; i < 200; ++i) seen.insert(sampler.sample(logits, i));
  EXPECT_THAT(seen, testing::ElementsAre(0, 1));
}

TEST(Sampler, VeryLowTemperatureIsGreedy) {
  std::mt19937 random(6);
  const std::vector<float> logits = random_logits(random, 1000, 1);
  Sampler cold({.temperature = 1e-30F}, 1000);
  Sampler greedy({.temperature = 0}, 1000);
  EXPECT_EQ(cold.sample(logits, 0), greedy.sample(logits, 0));
}

TEST(Sampler, RepetitionPenaltyDividesPositiveAndMultipliesNegativeLogits) {
  Sampler sampler({.repetition_penalty = 2, .temperature = 0}, 3);
  sampler.accept(0);
  sampler.accept(0);  // once or twice is the same to it
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 1.4F, 0}, 0), 0);  // 1.5 still leads
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 1.6F, 0}, 0), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -1.9F, -9}, 0), 1);  // -2 no longer does
}

TEST(Sampler, FrequencyPenaltyCountsPresencePenaltyDoesNot) {
  Sampler frequency({.frequency_penalty = 0.5F, .temperature = 0}, 2);
  Sampler presence({.presence_penalty = 0.5F, .temperature = 0}, 2);
  for (int i = 0; i < 3; ++i) {
    frequency.accept(0);
    presence.accept(0);
  }
  EXPECT_EQ(frequency.sample(std::vector<float>{2, 0.75F}, 0), 1);
  EXPECT_EQ(presence.sample(std::vector<float>{2, 0.75F}, 0), 0);
  EXPECT_EQ(presence.sample(std::vector<float>{2, 1.75F}, 0), 1);
}

TEST(Sampler, PenaltiesForgetBeyondTheWindow) {
  const std::vector<float> logits = {1, 0.9F, 0, 0};
  const auto sample_after = [&](int window) {
    Sampler sampler({.presence_penalty = 1, .penalty_window = window, .temperature = 0}, 4);
    for (const TokenId token : {0, 2, 3}) sampler.accept(token);
    return sampler.sample(logits, 3);
  };
  EXPECT_EQ(sample_after(3), 1);
  EXPECT_EQ(sample_after(2), 0);
  EXPECT_EQ(sample_after(0), 0);
  EXPECT_EQ(sample_after(-1), 1);
}

TEST(Sampler, BiasMovesAndBans) {
  const std::vector<float> logits = {1, 2, 3};
  EXPECT_EQ(Sampler({.logit_bias = {{0, 2.5F}}, .temperature = 0}, 3).sample(logits, 0), 0);
  EXPECT_EQ(Sampler({.logit_bias = {{2, -kInfinity}}, .temperature = 0}, 3).sample(logits, 0), 1);
  Sampler drawn({.logit_bias = {{2, -kInfinity}, {2, 100}}}, 3);  // a ban stays a ban
  for (int i = 0; i < 100; ++i) EXPECT_NE(drawn.sample(logits, i), 2);
}

TEST(Sampler, HugeLogitsAndPenaltiesStayFinite) {
  constexpr float kHuge = std::numeric_limits<float>::max();
  Sampler sampler({.logit_bias = {{0, 1e6F}}, .repetition_penalty = 1e30F}, 3);
  sampler.accept(2);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(sampler.sample(std::vector<float>{kHuge, 0, -kHuge}, i), 0);
  }
}

TEST(Sampler, AllTokensBannedIsAnError) {
  for (const float temperature : {0.0F, 1.0F}) {
    Sampler sampler({.logit_bias = {{0, -kInfinity}, {1, -kInfinity}}, .temperature = temperature},
                    2);
    try {
      static_cast<void>(sampler.sample(std::vector<float>{1, 2}, 0));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
}

TEST(Sampler, NonFiniteLogitsAreCountedAndTheFirstNamed) {
  for (const float temperature : {0.0F, 1.0F}) {
    for (const float bad : {std::nanf(""), -std::nanf(""), kInfinity, -kInfinity}) {
      std::vector<float> logits(100, 0);
      logits[17] = logits[60] = bad;
      Sampler sampler({.temperature = temperature}, 100);
      try {
        static_cast<void>(sampler.sample(logits, 0));
        FAIL();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::non_finite_logits);
        EXPECT_STREQ(error.what(),
                     "logits: expected 100 finite numbers, found 2 that are not, the first at "
                     "token 17");
      }
    }
  }
}

TEST(Sampler, NamesTheOptionOutOfRangeAndTheValueFound) {
  EXPECT_EQ(message_of({.temperature = -1}),
            "temperature: expected a number from 0 to 100, found -1");
  EXPECT_EQ(message_of({.temperature = std::nanf("")}),
            "temperature: expected a number from 0 to 100, found nan");
  EXPECT_THAT(message_of({.temperature = 101}), testing::HasSubstr("found 101"));
  EXPECT_EQ(message_of({.top_k = -1}), "top_k: expected 0 (all) or a number of tokens, found -1");
  EXPECT_THAT(message_of({.top_p = 0}), testing::StartsWith("top_p: "));
  EXPECT_THAT(message_of({.top_p = 1.5F}), testing::StartsWith("top_p: "));
  EXPECT_THAT(message_of({.top_p = std::nanf("")}), testing::StartsWith("top_p: "));
  EXPECT_THAT(message_of({.min_p = -0.1F}), testing::StartsWith("min_p: "));
  EXPECT_THAT(message_of({.min_p = 1.1F}), testing::StartsWith("min_p: "));
  EXPECT_THAT(message_of({.repetition_penalty = 0}), testing::StartsWith("repetition_penalty: "));
  EXPECT_THAT(message_of({.repetition_penalty = kInfinity}),
              testing::StartsWith("repetition_penalty: "));
  EXPECT_THAT(message_of({.frequency_penalty = 2.5F}), testing::StartsWith("frequency_penalty: "));
  EXPECT_THAT(message_of({.presence_penalty = -3}), testing::StartsWith("presence_penalty: "));
  EXPECT_THAT(message_of({.penalty_window = -2}), testing::StartsWith("penalty_window: "));
  EXPECT_EQ(message_of({.logit_bias = {{16, 1.0F}}}),
            "logit_bias: expected token ids from 0 to 15, found 16");
  EXPECT_THAT(message_of({.logit_bias = {{-1, 1.0F}}}), testing::HasSubstr("found -1"));
  EXPECT_THAT(message_of({.logit_bias = {{3, kInfinity}}}), testing::HasSubstr("token 3"));
  EXPECT_THAT(message_of({.logit_bias = {{3, std::nanf("")}}}), testing::HasSubstr("found nan"));
  EXPECT_THAT(message_of({}, 0), testing::StartsWith("vocab_size: "));
  EXPECT_EQ(message_of({}), "no error");
}

TEST(Sampler, RejectsLogitsOfAnotherSizeAndForeignTokens) {
  Sampler sampler({.presence_penalty = 1}, 16);
  EXPECT_THROW(static_cast<void>(sampler.sample(std::vector<float>(15), 0)), Error);
  EXPECT_THROW(static_cast<void>(sampler.sample({}, 0)), Error);
  EXPECT_THROW(sampler.accept(16), Error);
  EXPECT_THROW(sampler.accept(-1), Error);
}

TEST(Logprob, IsTheLogarithmOfSoftmax) {
  std::mt19937 random(7);
  const std::vector<float> logits = random_logits(random, 5000, 5);
  double total = 0;
  for (TokenId token = 0; token < 5000; ++token) total += std::exp(double{logprob(logits, token)});
  EXPECT_NEAR(total, 1, 1e-6);
  EXPECT_NEAR(logprob(logits, 3) - logprob(logits, 4), logits[3] - logits[4], 1e-5);
}

TEST(TopLogprobs, AreBestFirstAndTiesByLowerId) {
  const std::vector<float> logits = {1, 3, 2, 3, 0};
  const std::vector<TokenLogprob> top = top_logprobs(logits, 4);
  ASSERT_EQ(top.size(), 4U);
  EXPECT_EQ(top[0].token, 1);
  EXPECT_EQ(top[1].token, 3);
  EXPECT_EQ(top[2].token, 2);
  EXPECT_EQ(top[3].token, 0);
  for (const TokenLogprob& entry : top) {
    EXPECT_EQ(entry.logprob, logprob(logits, entry.token));
  }
  EXPECT_EQ(top_logprobs(logits, 100).size(), 5U);
  EXPECT_TRUE(top_logprobs(logits, 0).empty());
}

TEST(TopLogprobs, RejectWhatMakesNoSense) {
  const std::vector<float> logits = {1, 2};
  EXPECT_THROW(static_cast<void>(top_logprobs(logits, -1)), Error);
  EXPECT_THROW(static_cast<void>(logprob(logits, 2)), Error);
  EXPECT_THROW(static_cast<void>(logprob(logits, -1)), Error);
  EXPECT_THROW(static_cast<void>(logprob(std::vector<float>{1, kInfinity}, 0)), Error);
}

}  // namespace
}  // namespace gemma2
