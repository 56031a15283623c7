// SPDX-License-Identifier: Apache-2.0
//
// What generate() gives of the prompt itself: log-probabilities of its tokens, and its embedding.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

using test::expect_error;

GenerateOptions scoring(int top, int max_tokens = 0) {
  return {.sampling = {.temperature = 0},
          .max_tokens = max_tokens,
          .ignore_end = true,
          .prompt_logprobs = top};
}

GenerateOptions embedding() {
  return {.max_tokens = 0, .embedding = true};
}

class PromptResults : public testing::Test {
 protected:
  [[nodiscard]] std::vector<TokenId> prompt(int count, unsigned seed = 1) const {
    return test::random_tokens(model_, count, seed);
  }
  /// Of a session that knows nothing.
  [[nodiscard]] GenerateResult run(TokenSpan context, const GenerateOptions& options) const {
    Session session(model_);
    return generate(session, context, options);
  }

  Model model_ = test::load_tiny({.context = 256, .window = 8}, {.prefill_chunk = 48});
};

TEST_F(PromptResults, LogprobsAreThoseOfScore) {
  for (const int count : {2, 64, 65, 130}) {
    const std::vector<TokenId> context = prompt(count);
    const GenerateResult result = run(context, scoring(0));
    Session session(model_);
    session.prefill(TokenSpan(context).first(1));
    const std::vector<float> expected = session.score(TokenSpan(context).subspan(1));
    ASSERT_EQ(result.prompt.size(), context.size());
    EXPECT_EQ(result.prompt[0].token, context[0]);
    for (std::size_t i = 1; i < context.size(); ++i) {
      EXPECT_EQ(result.prompt[i].token, context[i]);
      EXPECT_EQ(result.prompt[i].logprob, expected[i - 1]);  // to the bit
    }
  }
}

TEST_F(PromptResults, AlternativesAreThoseOfTheLogits) {
  const std::vector<TokenId> context = prompt(70);
  const GenerateResult result = run(context, scoring(3));
  Session session(model_);
  for (std::size_t i = 0; i + 1 < context.size(); ++i) {
    session.decode(context[i]);
    const std::vector<TokenLogprob> expected = top_logprobs(session.logits(), 3);
    const GeneratedToken& found = result.prompt[i + 1];
    ASSERT_EQ(found.top.size(), 3U);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(found.top[k].token, expected[k].token);
      EXPECT_EQ(found.top[k].logprob, expected[k].logprob);
    }
    EXPECT_EQ(found.logprob, logprob(session.logits(), context[i + 1]));
  }
}

TEST_F(PromptResults, TheAnswerAfterThemIsTheSame) {
  const std::vector<TokenId> context = prompt(100);
  GenerateOptions plain = scoring(-1, 10);
  const GenerateResult expected = run(context, plain);
  const GenerateResult found = run(context, scoring(2, 10));
  EXPECT_EQ(found.text, expected.text);
  EXPECT_TRUE(expected.prompt.empty());
}

TEST_F(PromptResults, NothingIsTakenFromACache) {
  const std::vector<TokenId> context = prompt(60);
  Session session(model_);
  session.prefill(context);
  const GenerateResult again = generate(session, context, scoring(0));
  EXPECT_EQ(again.cached_tokens, 0);
  EXPECT_EQ(again.prompt.size(), context.size());
}

TEST_F(PromptResults, AnEmbeddingHasLengthOneAndDependsOnTheTokensAlone) {
  const std::vector<TokenId> context = prompt(120);
  const std::vector<float> expected = run(context, embedding()).embedding;
  ASSERT_EQ(expected.size(), static_cast<std::size_t>(model_.config().hidden_size));
  double squares = 0;
  for (const float x : expected) squares += static_cast<double>(x) * x;
  EXPECT_NEAR(std::sqrt(squares), 1, 1e-6);
  for (const int chunk : {1, 7, 256}) {
    const Model other =
        test::load_tiny({.context = 256, .window = 8}, {.num_threads = 2, .prefill_chunk = chunk});
    Session session(other);
    EXPECT_EQ(generate(session, context, embedding()).embedding, expected);
  }
  EXPECT_NE(run(prompt(120, 2), embedding()).embedding, expected);
}

TEST_F(PromptResults, AnEmbeddingIsTheMeanOfTheHiddenStates) {
  const std::vector<TokenId> context = prompt(5);
  std::vector<double> sum(static_cast<std::size_t>(model_.config().hidden_size));
  Session session(model_);
  for (const TokenId token : context) {  // row after row
    session.prefill({&token, 1}, WantLogits::hidden);
    EXPECT_TRUE(session.logits().empty());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += session.hidden_state(0)[i];
  }
  double squares = 0;
  for (const double x : sum) squares += x * x;
  const std::vector<float> found = run(context, embedding()).embedding;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    EXPECT_EQ(found[i], static_cast<float>(sum[i] * (1 / std::sqrt(squares))));
  }
}

TEST_F(PromptResults, HiddenStatesLeadToTheLogits) {
  // The head is the embedding: a hidden state times a token's row, capped, is its logit. Cheaper to
  // check than to repeat: states of rows of one step are those of steps of one row.
  const std::vector<TokenId> context = prompt(20);
  Session together(model_);
  together.prefill(context, WantLogits::hidden);
  Session alone(model_);
  for (int row = 0; row < 20; ++row) {
    alone.prefill(TokenSpan(context).subspan(static_cast<std::size_t>(row), 1), WantLogits::hidden);
    EXPECT_TRUE(test::bit_equal(together.hidden_state(row), alone.hidden_state(0)));
  }
  expect_error(ErrorCode::invalid_argument, "hidden_state: expected a row below 20, found 20",
               [&] { static_cast<void>(together.hidden_state(20)); });
  together.decode(context[0]);
  expect_error(ErrorCode::invalid_argument, "hidden_state: expected a row below 0, found 0",
               [&] { static_cast<void>(together.hidden_state(0)); });
}

TEST_F(PromptResults, ASchedulerGivesTheSame) {
  Scheduler scheduler(model_);
  std::vector<Ticket> tickets;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const bool scores = seed % 2 == 0;
    tickets.push_back(scheduler.submit(
        {.context = prompt(90, seed), .options = scores ? scoring(1, 2) : embedding()}));
  }
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const bool scores = seed % 2 == 0;
    const GenerateResult& found = tickets[seed - 1].wait();
    const GenerateResult expected = run(prompt(90, seed), scores ? scoring(1, 2) : embedding());
    EXPECT_EQ(found.embedding, expected.embedding);
    EXPECT_EQ(found.text, expected.text);
    ASSERT_EQ(found.prompt.size(), expected.prompt.size());
    for (std::size_t i = 0; i < expected.prompt.size(); ++i) {
      EXPECT_EQ(found.prompt[i].logprob, expected.prompt[i].logprob);
    }
  }
}

TEST_F(PromptResults, AWholeContextCanBeScoredButNotContinued) {
  const std::vector<TokenId> context = prompt(256);
  EXPECT_EQ(run(context, scoring(0)).prompt.size(), 256U);
  EXPECT_FALSE(run(context, embedding()).embedding.empty());
  Session session(model_);
  expect_error(ErrorCode::invalid_argument, "expected at most 255 prompt tokens",
               [&] { static_cast<void>(generate(session, context, scoring(0, 1))); });
  expect_error(ErrorCode::invalid_argument, "expected at most 256 prompt tokens, found 257",
               [&] { static_cast<void>(generate(session, prompt(257), scoring(0))); });
}

TEST_F(PromptResults, ContradictionsAreRefused) {
  Session session(model_);
  GenerateOptions both = embedding();
  both.prompt_logprobs = 0;
  GenerateOptions answers = embedding();
  answers.max_tokens = 1;
  for (const GenerateOptions& options : {both, answers}) {
    expect_error(ErrorCode::invalid_argument, "embedding: expected max_tokens 0",
                 [&] { static_cast<void>(generate(session, prompt(3), options)); });
  }
  expect_error(ErrorCode::invalid_argument, "prompt_logprobs: expected -1",
               [&] { static_cast<void>(generate(session, prompt(3), scoring(-2))); });
}

TEST_F(PromptResults, TheTokenThatEndsATurnIsToldApart) {
  const TokenId eos = model_.tokenizer().special().eos;
  GenerateOptions options = scoring(-1, 5);
  options.ignore_end = false;
  options.top_logprobs = 1;
  options.sampling.logit_bias = {{eos, 1e5F}};
  const GenerateResult ended = run(prompt(9), options);
  EXPECT_EQ(ended.reason, StopReason::end_of_turn);
  EXPECT_TRUE(ended.tokens.empty());
  ASSERT_TRUE(ended.end.has_value());
  EXPECT_EQ(ended.end->token, eos);
  Session session(model_);
  session.prefill(prompt(9));
  EXPECT_EQ(ended.end->logprob, logprob(session.logits(), eos));
  EXPECT_FALSE(run(prompt(9), scoring(-1, 5)).end.has_value());
}

TEST_F(PromptResults, TokensAreToldBeforeTheirText) {
  GenerateOptions options = scoring(-1, 12);
  options.top_logprobs = 2;
  std::vector<GeneratedToken> told;
  std::size_t told_before_text = 0;
  options.on_token = [&](const GeneratedToken& token) { told.push_back(token); };
  Session session(model_);
  const GenerateResult result = generate(session, prompt(9), options, [&](std::string_view) {
    EXPECT_GT(told.size(), told_before_text);
    told_before_text = told.size();
  });
  ASSERT_EQ(told.size(), result.tokens.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].token, result.tokens[i].token);
    EXPECT_EQ(told[i].logprob, result.tokens[i].logprob);
    EXPECT_EQ(told[i].top.size(), 2U);
  }
}

}  // namespace
}  // namespace gemma2
