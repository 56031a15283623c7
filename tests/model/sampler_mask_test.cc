// SPDX-License-Identifier: Apache-2.0
//
// Sampling among allowed tokens.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/sampling.h"

#include "support/expect_error.h"

namespace gemma2 {
namespace {

using test::expect_error;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::uint64_t> mask_of(const std::vector<bool>& allowed) {
  std::vector<std::uint64_t> mask((allowed.size() + 63) / 64);
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (allowed[i]) mask[i / 64] |= 1ULL << (i % 64);
  }
  return mask;
}

std::vector<float> random_logits(std::mt19937& random, std::size_t count) {
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(count);
  for (float& x : logits) x = normal(random);
  return logits;
}

const SamplingOptions kOptions[] = {
    {.temperature = 0},
    {.temperature = 1.5F, .seed = 3},
    {.temperature = 1.5F, .top_k = 20, .top_p = 0.9F, .seed = 4},
    {.top_p = 0.9F, .seed = 5},
    {.min_p = 0.1F, .seed = 6},
    {.logit_bias = {{3, 2.0F}, {4, -kInfinity}}, .repetition_penalty = 1.3F, .seed = 7},
};

TEST(SamplerMask, IsAsGoodAsBanningTheOthers) {
  std::mt19937 random(1);
  for (const SamplingOptions& options : kOptions) {
    for (const std::size_t size : {1U, 64U, 65U, 1000U}) {
      const std::vector<float> logits = random_logits(random, size);
      std::vector<bool> allowed(size);
      SamplingOptions banning = options;
      std::erase_if(banning.logit_bias,
                    [&](const auto& bias) { return bias.first >= static_cast<int>(size); });
      SamplingOptions masked = banning;
      allowed[size / 2] = true;
      for (std::size_t i = 0; i < size; ++i) {
        allowed[i] = allowed[i] || random() % 3 == 0;
        if (!allowed[i]) banning.logit_bias.emplace_back(static_cast<TokenId>(i), -kInfinity);
      }
      Sampler expected(banning, static_cast<int>(size));
      Sampler sampler(masked, static_cast<int>(size));
      for (Sampler* each : {&expected, &sampler}) each->accept(static_cast<TokenId>(size / 2));
      for (int position = 0; position < 20; ++position) {
        const TokenId token = sampler.sample(logits, position, mask_of(allowed));
        EXPECT_EQ(token, expected.sample(logits, position));
        EXPECT_TRUE(allowed[static_cast<std::size_t>(token)]);
      }
    }
  }
}

TEST(SamplerMask, LogitsOfOthersMayBeAnything) {
  std::mt19937 random(2);
  const std::vector<float> logits = random_logits(random, 300);
  std::vector<bool> allowed(300);
  for (std::size_t i = 0; i < 300; i += 3) allowed[i] = true;
  std::vector<float> others = logits;
  const float anything[] = {-kInfinity, kInfinity, std::nanf(""), 1e30F};
  for (std::size_t i = 0; i < 300; ++i) {
    if (!allowed[i]) others[i] = anything[i % 4];
  }
  for (const SamplingOptions& options : kOptions) {
    Sampler sampler(options, 300);
    for (int position = 0; position < 10; ++position) {
      EXPECT_EQ(sampler.sample(others, position, mask_of(allowed)),
                sampler.sample(logits, position, mask_of(allowed)));
    }
  }
}

TEST(SamplerMask, AllowedLogitsMustBeFinite) {
  for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
    std::vector<float> logits(100, 1.0F);
    logits[17] = logits[18] = logits[60] = bad;
    std::vector<bool> allowed(100, true);
    allowed[17] = false;
    for (const float temperature : {0.0F, 1.0F}) {
      Sampler sampler({.temperature = temperature}, 100);
      expect_error(ErrorCode::non_finite_logits,
                   "logits: expected 99 finite numbers, found 2 that are not, the first at token "
                   "18",
                   [&] { static_cast<void>(sampler.sample(logits, 0, mask_of(allowed))); });
    }
  }
}

TEST(SamplerMask, OfEverythingChangesNothing) {
  std::mt19937 random(3);
  const std::vector<float> logits = random_logits(random, 130);
  const std::vector<std::uint64_t> all(3, ~0ULL);  // bits past the vocabulary are set too
  for (const SamplingOptions& options : kOptions) {
    Sampler sampler(options, 130);
    EXPECT_EQ(sampler.sample(logits, 1, all), sampler.sample(logits, 1));
  }
}

TEST(SamplerMask, MustFitAndAllowSomething) {
  const std::vector<float> logits(130, 1.0F);
  Sampler sampler({}, 130);
  const auto sample = [&](const std::vector<std::uint64_t>& mask) {
    static_cast<void>(sampler.sample(logits, 0, mask));
  };
  expect_error(ErrorCode::invalid_argument,
               "allowed: expected a mask of 3 words of 64 bits for a vocabulary of 130, found 2",
               [&] {
                 sample({1, 1});
               });
  expect_error(ErrorCode::invalid_argument, "found 4", [&] { sample({1, 1, 1, 1}); });
  expect_error(ErrorCode::invalid_argument,
               "allowed: expected at least one of 130 tokens, found none", [&] {
                 sample({0, 0, 0});
               });
  // Only bits that no token has.
  expect_error(ErrorCode::invalid_argument, "found none", [&] { sample({0, 0, ~3ULL}); });
  sample({0, 0, 2});
}

TEST(SamplerMask, AndBiasMayLeaveNothing) {
  Sampler sampler({.logit_bias = {{5, -kInfinity}}}, 64);
  const std::vector<std::uint64_t> only_five = {1ULL << 5};
  expect_error(ErrorCode::invalid_argument, "at least one token that is not banned", [&] {
    static_cast<void>(sampler.sample(std::vector<float>(64, 1.0F), 0, only_five));
  });
}

TEST(SamplerTakesBest, OnlyIfNothingElseMatters) {
  EXPECT_TRUE(Sampler({.temperature = 0}, 8).takes_best());
  EXPECT_TRUE(
      Sampler({.temperature = 0, .top_k = 3, .top_p = 0.5F, .min_p = 0.1F}, 8).takes_best());
  EXPECT_TRUE(
      Sampler({.repetition_penalty = 2, .penalty_window = 0, .temperature = 0}, 8).takes_best());
  EXPECT_FALSE(Sampler({}, 8).takes_best());
  EXPECT_FALSE(Sampler({.logit_bias = {{1, 1.0F}}, .temperature = 0}, 8).takes_best());
  EXPECT_FALSE(Sampler({.repetition_penalty = 2, .temperature = 0}, 8).takes_best());
  EXPECT_FALSE(Sampler({.frequency_penalty = 1, .temperature = 0}, 8).takes_best());
  EXPECT_FALSE(Sampler({.presence_penalty = 1, .temperature = 0}, 8).takes_best());
}

}  // namespace
}  // namespace gemma2
