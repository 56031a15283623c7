// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"
#include "tokenizer/utf8.h"

namespace gemma2 {
namespace {

using test::expect_error;

/// A random model says anything; a large bias makes it say one token only.
SamplingOptions only(TokenId token) {
  return {.logit_bias = {{token, 1e5F}}, .temperature = 0};
}

class Generate : public testing::Test {
 protected:
  [[nodiscard]] std::vector<TokenId> prompt(int count, unsigned seed = 1) const {
    return test::random_tokens(model_, count, seed);
  }

  Model model_ = test::load_tiny({.context = 64, .window = 8});
  Session session_{model_};
  const SpecialTokens& special_ = model_.tokenizer().special();
};

TEST_F(Generate, ContinuesAsALoopOfDecodeDoes) {
  const std::vector<TokenId> context = prompt(10);
  Session plain(model_);
  plain.prefill(context);
  std::vector<TokenId> expected;
  for (int i = 0; i < 12; ++i) {
    expected.push_back(test::argmax(plain.logits()));
    plain.decode(expected.back());
  }
  const GenerateResult result = generate(
      session_, context, {.sampling = {.temperature = 0}, .max_tokens = 12, .ignore_end = true});
  std::vector<TokenId> tokens;
  for (const GeneratedToken& token : result.tokens) tokens.push_back(token.token);
  EXPECT_EQ(tokens, expected);
  EXPECT_EQ(result.reason, StopReason::max_tokens);
  EXPECT_EQ(result.prompt_tokens, 10);
  EXPECT_EQ(result.cached_tokens, 0);
}

TEST_F(Generate, StreamsWholeCharactersThatAddUpToTheText) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::string streamed;
    const GenerateResult result = generate(
        session_, prompt(5),
        {.sampling = {.temperature = 3, .seed = seed}, .max_tokens = -1, .ignore_end = true},
        [&](std::string_view piece) {
          EXPECT_TRUE(is_utf8(piece));
          EXPECT_FALSE(piece.empty());
          streamed += piece;
        });
    EXPECT_EQ(streamed, result.text);
    std::vector<TokenId> tokens;
    for (const GeneratedToken& token : result.tokens) tokens.push_back(token.token);
    EXPECT_EQ(result.text, model_.tokenizer().decode(tokens));
  }
}

TEST_F(Generate, StopsAtEndOfTurnAndAtEosAndShowsNeither) {
  for (const TokenId end : {special_.eos, special_.end_of_turn}) {
    const GenerateResult result = generate(session_, prompt(5), {.sampling = only(end)});
    EXPECT_EQ(result.reason, StopReason::end_of_turn);
    EXPECT_EQ(result.text, "");
    EXPECT_TRUE(result.tokens.empty());
    EXPECT_EQ(session_.position(), 5);
  }
}

TEST_F(Generate, IgnoreEndFeedsTheEndAndShowsNothingOfIt) {
  const GenerateResult result =
      generate(session_, prompt(5),
               {.sampling = only(special_.end_of_turn), .max_tokens = 3, .ignore_end = true});
  EXPECT_EQ(result.reason, StopReason::max_tokens);
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.tokens.size(), 3U);
  EXPECT_EQ(session_.cache().tokens()[5], special_.end_of_turn);
}

TEST_F(Generate, StopTextAcrossTokensIsNeverPartlyShown) {
  std::string streamed;
  const GenerateResult result =
      generate(session_, prompt(5), {.sampling = only(test::id_of(model_, "a")), .stop = {"aaaa"}},
               [&](std::string_view piece) { streamed += piece; });
  EXPECT_EQ(result.reason, StopReason::stop_text);
  EXPECT_EQ(result.stop_text, "aaaa");
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(streamed, "");
  EXPECT_EQ(result.tokens.size(), 4U);
}

TEST_F(Generate, HeldBackTextIsShownWhenTheEndComesFirst) {
  const GenerateResult result =
      generate(session_, prompt(5),
               {.sampling = only(test::id_of(model_, "a")), .max_tokens = 3, .stop = {"aaaa"}});
  EXPECT_EQ(result.reason, StopReason::max_tokens);
  EXPECT_EQ(result.text, "aaa");
  EXPECT_EQ(result.stop_text, "");
}

TEST_F(Generate, UnfinishedCharacterAtTheEndBecomesAReplacement) {
  const GenerateResult result = generate(
      session_, prompt(5), {.sampling = only(test::id_of(model_, "<0xE2>")), .max_tokens = 1});
  EXPECT_EQ(result.text, "\xEF\xBF\xBD");
}

TEST_F(Generate, MaxTokensZeroOnlyPrefills) {
  const GenerateResult result = generate(session_, prompt(5), {.max_tokens = 0});
  EXPECT_EQ(result.reason, StopReason::max_tokens);
  EXPECT_TRUE(result.tokens.empty());
  EXPECT_EQ(session_.position(), 5);
  EXPECT_FALSE(session_.logits().empty());
}

TEST_F(Generate, TooLongAPromptIsAnErrorThatNamesBothCounts) {
  generate(session_, prompt(7), {.max_tokens = 0});
  const test::Logits before = test::logits_of(session_);
  for (const int count : {64, 65, 1000}) {
    expect_error(ErrorCode::invalid_argument,
                 "context: expected at most 63 prompt tokens (context length 64, room for one "
                 "more), found " +
                     std::to_string(count),
                 [&] { generate(session_, prompt(count, 2), {.max_tokens = 1}); });
  }
  EXPECT_EQ(session_.position(), 7);
  EXPECT_TRUE(test::bit_equal(session_.logits(), before));
}

TEST_F(Generate, EndsWhenTheContextIsFull) {
  for (const int count : {1, 60, 63}) {
    const GenerateResult result =
        generate(session_, prompt(count),
                 {.sampling = {.temperature = 0}, .max_tokens = -1, .ignore_end = true});
    EXPECT_EQ(result.reason, StopReason::context_full);
    EXPECT_EQ(count + static_cast<int>(result.tokens.size()), 64);
  }
}

TEST_F(Generate, ReusesThePrefixAndNothingElse) {
  // Three windows of conversation, of which the end is edited.
  std::vector<TokenId> context = prompt(24);
  generate(session_, context, {.sampling = {.temperature = 0}, .max_tokens = 4});
  context[20] = (context[20] + 1) % model_.config().vocab_size;
  const GenerateResult edited = generate(session_, context, {.max_tokens = 0});
  EXPECT_EQ(edited.cached_tokens, 20);
  EXPECT_THAT(session_.cache().tokens(), testing::ElementsAreArray(context));

  Session fresh(model_);
  fresh.prefill(context);
  EXPECT_TRUE(test::bit_equal(session_.logits(), fresh.logits()));
}

TEST_F(Generate, SameContextAgainIsNotComputedAgain) {
  const std::vector<TokenId> context = prompt(24);
  const GenerateOptions options = {
      .sampling = {.temperature = 0}, .max_tokens = 8, .ignore_end = true, .top_logprobs = 0};
  const GenerateResult first = generate(session_, context, options);
  const GenerateResult second = generate(session_, context, options);
  EXPECT_EQ(second.cached_tokens, 23);  // the last is fed again, to have its logits
  EXPECT_EQ(second.text, first.text);
  for (std::size_t i = 0; i < first.tokens.size(); ++i) {
    EXPECT_EQ(second.tokens[i].logprob, first.tokens[i].logprob);
  }
  generate(session_, context, {.max_tokens = 0});
  EXPECT_EQ(generate(session_, context, options).cached_tokens, 24);  // stands exactly there
}

TEST_F(Generate, GoesOnWhereTheLastCallEnded) {
  const GenerateOptions options = {
      .sampling = {.temperature = 0}, .max_tokens = 6, .ignore_end = true};
  std::vector<TokenId> context = prompt(10);
  const GenerateResult first = generate(session_, context, options);
  for (const GeneratedToken& token : first.tokens) context.push_back(token.token);
  const GenerateResult second = generate(session_, context, options);
  EXPECT_EQ(second.cached_tokens, 15);  // all but the token that was sampled last

  GenerateOptions twice = options;
  twice.max_tokens = 12;
  Session fresh(model_);
  EXPECT_EQ(first.text + second.text, generate(fresh, prompt(10), twice).text);
}

TEST_F(Generate, SeedsReproduceAndDiffer) {
  const auto text = [&](std::uint64_t seed) {
    return generate(session_, prompt(10),
                    {.sampling = {.seed = seed}, .max_tokens = 20, .ignore_end = true})
        .text;
  };
  const std::string seven = text(7);
  EXPECT_NE(text(8), seven);
  EXPECT_EQ(text(7), seven);
}

TEST_F(Generate, PenaltiesCountThePrompt) {
  const TokenId token = test::id_of(model_, "a");
  SamplingOptions sampling = only(token);
  sampling.repetition_penalty = 1e9F;  // divides even the bias away
  const std::vector<TokenId> said = {special_.bos, token};
  const GenerateResult result =
      generate(session_, said, {.sampling = sampling, .max_tokens = 1, .ignore_end = true});
  EXPECT_NE(result.tokens.at(0).token, token);
  const std::vector<TokenId> unsaid = {special_.bos};
  const GenerateResult twice =
      generate(session_, unsaid, {.sampling = sampling, .max_tokens = 2, .ignore_end = true});
  EXPECT_EQ(twice.tokens.at(0).token, token);
  EXPECT_NE(twice.tokens.at(1).token, token);
}

TEST_F(Generate, LogprobsAreOfTheModelNotOfTheSampler) {
  const std::vector<TokenId> context = prompt(10);
  const GenerateResult result =
      generate(session_, context,
               {.sampling = only(test::id_of(model_, "a")), .max_tokens = 3, .top_logprobs = 5});
  Session plain(model_);
  plain.prefill(context);
  for (const GeneratedToken& token : result.tokens) {
    EXPECT_EQ(token.logprob, logprob(plain.logits(), token.token));
    ASSERT_EQ(token.top.size(), 5U);
    EXPECT_EQ(token.top[0].token, test::argmax(plain.logits()));
    EXPECT_GE(token.top[0].logprob, token.top[4].logprob);
    plain.decode(token.token);
  }
}

TEST_F(Generate, ReportsThePrefill) {
  const Model model = test::load_tiny({.context = 64}, {.prefill_chunk = 16});
  Session session(model);
  std::vector<std::pair<int, int>> seen;
  generate(session, test::random_tokens(model, 40),
           {.max_tokens = 0,
            .on_prefill = [&](int done, int total) { seen.emplace_back(done, total); }});
  EXPECT_THAT(seen, testing::ElementsAre(std::pair(0, 40), std::pair(16, 40), std::pair(32, 40),
                                         std::pair(40, 40)));
}

TEST_F(Generate, CancelledInThePrefillLeavesAUsableSession) {
  const Model model = test::load_tiny({.context = 64}, {.prefill_chunk = 8});
  const std::vector<TokenId> context = test::random_tokens(model, 40);
  Session session(model);
  std::stop_source stop;
  const GenerateResult result =
      generate(session, context, {.cancel = stop.get_token(), .on_prefill = [&](int done, int) {
                                    if (done == 16) stop.request_stop();
                                  }});
  EXPECT_EQ(result.reason, StopReason::cancelled);
  EXPECT_TRUE(result.tokens.empty());
  EXPECT_EQ(session.position(), 16);

  const GenerateResult again = generate(session, context, {.max_tokens = 0});
  EXPECT_EQ(again.cached_tokens, 16);
  Session fresh(model);
  fresh.prefill(context);
  EXPECT_TRUE(test::bit_equal(session.logits(), fresh.logits()));
}

TEST_F(Generate, CancelledByTheSinkEndsBeforeTheNextToken) {
  std::stop_source stop;
  int pieces = 0;
  const GenerateResult result = generate(
      session_, prompt(5), {.sampling = only(test::id_of(model_, "a")), .cancel = stop.get_token()},
      [&](std::string_view) {
        if (++pieces == 3) stop.request_stop();
      });
  EXPECT_EQ(result.reason, StopReason::cancelled);
  EXPECT_EQ(result.text, "aaa");
}

TEST_F(Generate, OptionsOutOfRangeChangeNothing) {
  generate(session_, prompt(7), {.max_tokens = 0});
  const auto rejected = [&](const std::string& name, const auto& change) {
    GenerateOptions options;
    change(options);
    expect_error(ErrorCode::invalid_argument, name,
                 [&] { generate(session_, prompt(3, 2), options); });
    EXPECT_EQ(session_.position(), 7);
  };
  rejected("max_tokens", [](GenerateOptions& options) { options.max_tokens = -2; });
  rejected("top_logprobs", [](GenerateOptions& options) { options.top_logprobs = -2; });
  rejected("top_logprobs", [](GenerateOptions& options) { options.top_logprobs = 1 << 30; });
  rejected("stop[1]", [](GenerateOptions& options) { options.stop = {"a", ""}; });
  rejected("temperature", [](GenerateOptions& options) { options.sampling.temperature = -1; });
  rejected("logit_bias", [](GenerateOptions& options) {
    options.sampling.logit_bias = {{1 << 30, 0.0F}};
  });
}

TEST_F(Generate, ContextMustBeTokensOfTheVocabulary) {
  expect_error(ErrorCode::invalid_argument, "expected at least one token",
               [&] { generate(session_, {}); });
  for (const TokenId wrong : {-1, model_.config().vocab_size}) {
    const std::vector<TokenId> context = {special_.bos, wrong};
    expect_error(ErrorCode::invalid_argument, "found " + std::to_string(wrong) + " at index 1",
                 [&] { generate(session_, context); });
  }
  EXPECT_EQ(session_.position(), 0);
}

TEST_F(Generate, AThrowingSinkLeavesAUsableSession) {
  const std::vector<TokenId> context = prompt(10);
  EXPECT_THROW(generate(session_, context, {.sampling = only(test::id_of(model_, "a"))},
                        [](std::string_view) { throw std::runtime_error("full disk"); }),
               std::runtime_error);
  generate(session_, context, {.max_tokens = 0});
  Session fresh(model_);
  fresh.prefill(context);
  EXPECT_TRUE(test::bit_equal(session_.logits(), fresh.logits()));
}

TEST_F(Generate, EightThreadsAtOnceGetOneAnswer) {
  const Model model = test::load_tiny({.context = 64, .window = 8}, {.num_threads = 2});
  const std::vector<TokenId> context = test::random_tokens(model, 20);
  std::vector<std::pair<std::string, std::vector<float>>> answers(8);
  std::vector<std::thread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&] {
      Session session(model);
      const GenerateResult result = generate(session, context,
                                             {.sampling = {.temperature = 0},
                                              .max_tokens = 16,
                                              .ignore_end = true,
                                              .top_logprobs = 0});
      answer.first = result.text;
      for (const GeneratedToken& token : result.tokens) answer.second.push_back(token.logprob);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& answer : answers) {
    EXPECT_EQ(answer.first, answers[0].first);
    EXPECT_TRUE(test::bit_equal(answer.second, answers[0].second));
  }
}

}  // namespace
}  // namespace gemma2
