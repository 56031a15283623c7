// SPDX-License-Identifier: Apache-2.0
//
// Steps and generations in which only some tokens may come next.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"

namespace gemma2 {
namespace {

using test::expect_error;
using Mask = std::vector<std::uint64_t>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Each token with probability `share`, one at least.
Mask random_mask(std::mt19937& random, int vocab_size, double share) {
  Mask mask(static_cast<std::size_t>((vocab_size + 63) / 64));
  const auto add = [&](unsigned token) { mask[token / 64] |= 1ULL << (token % 64); };
  std::bernoulli_distribution coin(share);
  for (int token = 0; token < vocab_size; ++token) {
    if (coin(random)) add(static_cast<unsigned>(token));
  }
  add(static_cast<unsigned>(random() % static_cast<unsigned>(vocab_size)));
  return mask;
}

test::Logits masked(test::Logits logits, TokenMask mask) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!is_allowed(mask, static_cast<TokenId>(i))) logits[i] = -kInfinity;
  }
  return logits;
}

class Constrained : public test::AcrossArithmetics {};

TEST_P(Constrained, LogitsAreThoseOfAllTokensWhereAllowed) {
  std::mt19937 random(1);
  for (const int threads : {1, 3}) {
    const Model model = test::load(GetParam(), {.num_threads = threads});
    const std::vector<TokenId> tokens = test::random_tokens(model, 24);
    Session plain(model);
    const std::vector<test::Logits> rows = test::feed(plain, tokens);
    Session logits(model);
    Session best(model);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const double share = std::pow(0.3, static_cast<double>(i % 5));
      const Mask mask = random_mask(random, model.config().vocab_size, share);
      logits.decode(tokens[i], WantLogits::last, mask);
      best.decode(tokens[i], WantLogits::best, mask);
      const test::Logits expected = masked(rows[i], mask);
      EXPECT_TRUE(test::bit_equal(logits.logits(), expected)) << "share " << share;
      EXPECT_EQ(best.best(), test::argmax(expected));
      EXPECT_EQ(logits.best(), test::argmax(expected));
    }
  }
}

TEST_P(Constrained, RowsOfAStepHaveEachTheirOwn) {
  std::mt19937 random(2);
  const Model model = test::load(GetParam(), {.num_threads = 2, .prefill_chunk = 8});
  const int vocab_size = model.config().vocab_size;
  const std::vector<TokenId> tokens = test::random_tokens(model, 12);
  Session plain(model);
  const std::vector<test::Logits> rows = test::feed(plain, tokens);
  for (const double share : {0.002, 0.02, 0.5}) {
    std::vector<Mask> words;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      words.push_back(random_mask(random, vocab_size, share));
    }
    std::vector<TokenMask> masks(words.begin(), words.end());
    masks[3] = {};  // this row may say anything
    const std::vector<TokenMask> last(masks.end() - 1, masks.end());
    Session first(model);
    Session second(model);
    Session third(model);
    const std::vector<StepEntry> entries = {{&first, tokens, WantLogits::all, masks},
                                            {&second, tokens, WantLogits::all_best, masks},
                                            {&third, tokens, WantLogits::last, last}};
    ASSERT_TRUE(step(entries));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const test::Logits expected = masked(rows[i], masks[i]);
      EXPECT_TRUE(test::bit_equal(first.logits(static_cast<int>(i)), expected)) << "row " << i;
      EXPECT_EQ(second.best(static_cast<int>(i)), test::argmax(expected)) << "row " << i;
    }
    EXPECT_TRUE(test::bit_equal(third.logits(), masked(rows.back(), last[0])));
  }
}

GEMMA2_ACROSS_ARITHMETICS(Constrained);

class ConstrainedGenerate : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 8; ++i) masks_.push_back(random_mask(random_, vocab_size_, 0.05));
  }

  /// A made-up grammar: what may come next depends on how many tokens there are and on the last.
  [[nodiscard]] TokenMask rule(TokenSpan generated) const {
    const std::size_t last = generated.empty() ? 0 : static_cast<std::size_t>(generated.back());
    return masks_[(generated.size() + last) % masks_.size()];
  }

  [[nodiscard]] GenerateOptions options(const SamplingOptions& sampling) const {
    return {.sampling = sampling,
            .max_tokens = 30,
            .ignore_end = true,
            .allowed = [this](TokenSpan generated) { return rule(generated); }};
  }

  std::mt19937 random_{3};
  Model model_ = test::load_tiny();
  const int vocab_size_ = model_.config().vocab_size;
  std::vector<Mask> masks_;
  Session session_{model_};
  const std::vector<TokenId> prompt_ = test::random_tokens(model_, 10);
};

TEST_F(ConstrainedGenerate, FollowsARuleAndIsWhatALoopWithFullLogitsGives) {
  for (const SamplingOptions& sampling :
       {SamplingOptions{.temperature = 0}, SamplingOptions{.seed = 1},
        SamplingOptions{.top_k = 10, .top_p = 0.9F, .seed = 2},
        SamplingOptions{.repetition_penalty = 1.5F, .temperature = 0}}) {
    Session plain(model_);
    plain.prefill(prompt_);
    Sampler sampler(sampling, vocab_size_);
    for (const TokenId token : prompt_) sampler.accept(token);
    std::vector<TokenId> expected;
    for (int i = 0; i < 30; ++i) {
      const TokenMask mask = rule(expected);
      expected.push_back(sampler.sample(plain.logits(), plain.position(), mask));
      EXPECT_TRUE(is_allowed(mask, expected.back()));
      plain.decode(expected.back());
      sampler.accept(expected.back());
    }
    for (const int top_logprobs : {-1, 3}) {
      GenerateOptions with = options(sampling);
      with.top_logprobs = top_logprobs;
      const GenerateResult result = generate(session_, prompt_, with);
      std::vector<TokenId> tokens;
      for (const GeneratedToken& token : result.tokens) tokens.push_back(token.token);
      EXPECT_EQ(tokens, expected);
      EXPECT_TRUE(session_.rewind(0));
    }
  }
}

TEST_F(ConstrainedGenerate, IsToldWhatWasGenerated) {
  GenerateOptions with = options({.seed = 4});
  std::vector<std::vector<TokenId>> told;
  with.allowed = [&](TokenSpan generated) {
    told.emplace_back(generated.begin(), generated.end());
    return rule(generated);
  };
  const GenerateResult result = generate(session_, prompt_, with);
  ASSERT_EQ(told.size(), result.tokens.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    ASSERT_EQ(told[i].size(), i);
    if (i > 0) {
      EXPECT_EQ(told[i].back(), result.tokens[i - 1].token);
    }
  }
}

TEST_F(ConstrainedGenerate, LogprobsStayTheModels) {
  GenerateOptions with = options({.seed = 5});
  with.top_logprobs = 2;
  const GenerateResult result = generate(session_, prompt_, with);
  Session plain(model_);
  plain.prefill(prompt_);
  for (const GeneratedToken& token : result.tokens) {
    EXPECT_EQ(token.logprob, logprob(plain.logits(), token.token));
    EXPECT_EQ(token.top[0].token, test::argmax(plain.logits()));
    plain.decode(token.token);
  }
}

TEST_F(ConstrainedGenerate, EmptyMaskMeansAllTokens) {
  GenerateOptions with = options({.seed = 6});
  with.allowed = [](TokenSpan) { return TokenMask{}; };
  const GenerateResult constrained = generate(session_, prompt_, with);
  with.allowed = {};
  Session free(model_);
  EXPECT_EQ(constrained.text, generate(free, prompt_, with).text);
}

TEST_F(ConstrainedGenerate, NothingAllowedIsAnErrorAndTheSessionStaysUsable) {
  const Mask none(masks_[0].size());
  for (const std::size_t at : {0U, 1U, 5U}) {
    GenerateOptions with = options({.seed = 7});
    with.allowed = [&](TokenSpan generated) {
      return generated.size() == at ? TokenMask(none) : rule(generated);
    };
    expect_error(ErrorCode::invalid_argument, "allowed: expected at least one of",
                 [&] { generate(session_, prompt_, with); });
    if (at == 0) {
      EXPECT_EQ(session_.position(), 0) << "before anything changes";
    }
  }
  Session fresh(model_);
  EXPECT_EQ(generate(session_, prompt_, options({.seed = 7})).text,
            generate(fresh, prompt_, options({.seed = 7})).text);
}

TEST_F(ConstrainedGenerate, LogitsOfSomeTokensAreNotTakenForThoseOfAll) {
  session_.prefill(prompt_, WantLogits::last, masks_[0]);
  expect_error(ErrorCode::invalid_argument, "score: expected",
               [&] { static_cast<void>(session_.score(std::vector<TokenId>{5})); });
  EXPECT_EQ(session_.reuse_prefix(prompt_), 9);
  session_.prefill(TokenSpan(prompt_).last(1), WantLogits::best, masks_[0]);
  EXPECT_EQ(session_.reuse_prefix(prompt_, WantLogits::best), 9);
}

TEST_F(ConstrainedGenerate, StepRefusesMasksThatDoNotFit) {
  const std::vector<TokenId> tokens = {4, 5, 6};
  const std::vector<TokenMask> three = {masks_[0], masks_[1], masks_[2]};
  const auto refused = [&](const std::string& part, WantLogits wanted,
                           const std::vector<TokenMask>& masks) {
    const StepEntry entry = {&session_, tokens, wanted, masks};
    expect_error(ErrorCode::invalid_argument, part, [&] { step({&entry, 1}); });
    EXPECT_EQ(session_.position(), 0);
  };
  refused("allowed: expected one mask for each of 1 rows with logits, found 3", WantLogits::last,
          three);
  refused("each of 3 rows with logits, found 1", WantLogits::all, {masks_[0]});
  refused("each of 0 rows with logits, found 1", WantLogits::none, {masks_[0]});
  const Mask shorter(masks_[0].size() - 1, 1);
  refused("allowed: expected a mask of " + std::to_string(masks_[0].size()) + " words",
          WantLogits::best, {shorter});
  const Mask none(masks_[0].size());
  refused("at least one of " + std::to_string(vocab_size_) + " tokens, found none",
          WantLogits::all_best, {masks_[0], none, masks_[1]});
}

}  // namespace
}  // namespace gemma2
