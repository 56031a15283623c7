// SPDX-License-Identifier: Apache-2.0
//
// WantLogits::best against the logits, and greedy generation with and without them.
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"

namespace gemma2 {
namespace {

using test::expect_error;

class BestToken : public test::AcrossArithmetics {};

TEST_P(BestToken, IsWhatASamplerTakesFromTheLogits) {
  for (const int threads : {1, 3}) {
    const Model model = test::load(GetParam(), {.num_threads = threads});
    const std::vector<TokenId> tokens = test::random_tokens(model, 60);
    Sampler greedy({.temperature = 0}, model.config().vocab_size);
    Session plain(model);
    const std::vector<test::Logits> rows = test::feed(plain, tokens, 20);
    Session session(model);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      session.decode(tokens[i], WantLogits::best);
      EXPECT_TRUE(session.logits().empty());
      EXPECT_EQ(session.best(), greedy.sample(rows[i], 0)) << "position " << i;
    }
    Session at_once(model);
    const StepEntry entry = {&at_once, tokens, WantLogits::all_best};
    step({&entry, 1});
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(at_once.best(static_cast<int>(i)), test::argmax(rows[i])) << "row " << i;
    }
    EXPECT_EQ(at_once.best(), test::argmax(rows.back()));
  }
}

TEST_P(BestToken, IsTheSameAmongNeighboursThatWantOtherThings) {
  const Model model = test::load(GetParam(), {.num_threads = 2, .prefill_chunk = 32});
  const std::vector<TokenId> tokens = test::random_tokens(model, 50);
  Session first(model);
  Session second(model);
  Session third(model);
  const std::vector<StepEntry> entries = {{&first, tokens, WantLogits::all_best},
                                          {&second, tokens, WantLogits::all},
                                          {&third, TokenSpan(tokens).first(7), WantLogits::best}};
  ASSERT_TRUE(step(entries));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(first.best(i), test::argmax(second.logits(i)));
    EXPECT_EQ(first.best(i), second.best(i)) << "from logits";
  }
  EXPECT_EQ(third.best(), first.best(6));
}

GEMMA2_ACROSS_ARITHMETICS(BestToken);

std::vector<TokenId> ids(const GenerateResult& result) {
  std::vector<TokenId> tokens;
  for (const GeneratedToken& token : result.tokens) tokens.push_back(token.token);
  return tokens;
}

TEST(GreedyGeneration, IsTheSameWithAndWithoutLogits) {
  for (const DType type : {DType::f32, DType::q6_k}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      test::TinyModel tiny = test::kTinyBlocks;
      tiny.type = type;
      tiny.seed = seed;
      for (const int threads : {1, 3}) {
        const Model model = test::load_tiny(tiny, {.num_threads = threads, .prefill_chunk = 8});
        const std::vector<TokenId> prompt =
            test::random_tokens(model, 20, static_cast<unsigned>(seed));
        const GenerateOptions greedy = {
            .sampling = {.temperature = 0}, .max_tokens = 20, .ignore_end = true};
        GenerateOptions with_logits = greedy;
        with_logits.top_logprobs = 1;
        Session one(model);
        Session other(model);
        EXPECT_EQ(ids(generate(one, prompt, greedy)), ids(generate(other, prompt, with_logits)));
        EXPECT_TRUE(one.logits().empty());
        EXPECT_FALSE(other.logits().empty());
      }
    }
  }
}

TEST(GreedyGeneration, TakesTheLowestOfTokensThatSaturate) {
  // Norm weights of 1e6 put every logit beyond what tanh tells apart.
  test::GgufImage image = test::tiny_gguf_image({.final_soft_cap = 0.5F});
  std::string& norm = image.tensor("output_norm.weight").data;
  constexpr float kHuge = 1e6F;
  for (std::size_t at = 0; at < norm.size(); at += sizeof(kHuge)) {
    std::memcpy(norm.data() + at, &kHuge, sizeof(kHuge));
  }
  const Model model = Model::from_bytes(image.bytes(), {.num_threads = 2});
  Session plain(model);
  Session session(model);
  for (const TokenId token : test::random_tokens(model, 30)) {
    plain.decode(token);
    session.decode(token, WantLogits::best);
    EXPECT_EQ(session.best(), test::argmax(plain.logits()));
    EXPECT_EQ(plain.logits()[static_cast<std::size_t>(session.best())], 0.5F);
  }
}

class BestTokenErrors : public testing::Test {
 protected:
  Model model_ = test::load_tiny();
  Session session_{model_};
};

TEST_F(BestTokenErrors, NoneBeforeTheFirstStepOrAfterOneThatWantedNothing) {
  expect_error(ErrorCode::invalid_argument, "best: expected a step that asked",
               [&] { static_cast<void>(session_.best()); });
  session_.prefill(test::random_tokens(model_, 5), WantLogits::none);
  expect_error(ErrorCode::invalid_argument, "found none",
               [&] { static_cast<void>(session_.best()); });
  session_.decode(7, WantLogits::best);
  static_cast<void>(session_.best());
  for (const int row : {-1, 1}) {
    expect_error(ErrorCode::invalid_argument,
                 "best: expected a row below 1, found " + std::to_string(row),
                 [&] { static_cast<void>(session_.best(row)); });
  }
  expect_error(ErrorCode::invalid_argument, "logits: expected a row below 0",
               [&] { static_cast<void>(session_.logits(0)); });
  EXPECT_TRUE(session_.rewind(3));
  expect_error(ErrorCode::invalid_argument, "best", [&] { static_cast<void>(session_.best()); });
}

TEST_F(BestTokenErrors, NonFiniteLogitsAreNamedAsTheSamplerNamesThem) {
  test::GgufImage image = test::tiny_gguf_image({});
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  // Rows 40 and 41 of the embedding, which is the head too; neither is fed.
  std::string& table = image.tensor("token_embd.weight").data;
  for (const std::size_t row : {40U, 41U}) {
    std::memcpy(table.data() + row * 64 * sizeof(float), &kNan, sizeof(kNan));
  }
  const Model model = Model::from_bytes(image.bytes(), {.num_threads = 2});
  const std::string expected = "logits: expected " + std::to_string(model.config().vocab_size) +
                               " finite numbers, found 2 that are not, the first at token 40";
  const std::vector<TokenId> prompt = {2, 7, 8};
  Session session(model);
  session.prefill(prompt, WantLogits::best);
  expect_error(ErrorCode::non_finite_logits, expected, [&] { static_cast<void>(session.best()); });
  for (const int top_logprobs : {-1, 0}) {
    for (const float temperature : {0.0F, 1.0F}) {
      expect_error(ErrorCode::non_finite_logits, expected, [&] {
        generate(session, prompt,
                 {.sampling = {.temperature = temperature}, .top_logprobs = top_logprobs});
      });
    }
  }
}

TEST_F(BestTokenErrors, ReusingAPrefixNeedsWhatIsWanted) {
  const std::vector<TokenId> context = test::random_tokens(model_, 10);
  session_.prefill(context, WantLogits::best);
  EXPECT_EQ(session_.reuse_prefix(context, WantLogits::best), 10);
  EXPECT_EQ(session_.reuse_prefix(context), 9);  // no logits: one token to feed
  session_.prefill(TokenSpan(context).last(1));
  EXPECT_EQ(session_.reuse_prefix(context, WantLogits::best), 10);
  EXPECT_EQ(session_.reuse_prefix(context), 10);
}

TEST_F(BestTokenErrors, AForkKnowsTheBestToken) {
  session_.prefill(test::random_tokens(model_, 10), WantLogits::best);
  EXPECT_EQ(session_.fork().best(), session_.best());
}

}  // namespace
}  // namespace gemma2
