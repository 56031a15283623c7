// SPDX-License-Identifier: Apache-2.0
//
// Answers of a model that knows nothing of JSON and is asked for it all the same.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/json_checker.h"
#include "model/model_fixture.h"
#include "support/expect_error.h"

namespace gemma2 {
namespace {

using test::expect_error;

constexpr const char* kPerson = R"({"type":"object","required":["name","age"],"properties":{
  "name":{"type":"string","minLength":1,"maxLength":20},
  "age":{"type":"integer","minimum":0,"maximum":130},
  "tags":{"type":"array","items":{"enum":["red","green",null]},"maxItems":3},
  "child":{"$ref":"#"}}})";

class GrammarGenerate : public testing::Test {
 protected:
  [[nodiscard]] GenerateOptions options(std::uint64_t seed, int max_tokens) const {
    return {.sampling = {.temperature = 2, .seed = seed},
            .max_tokens = max_tokens,
            .grammar = Grammar::json_schema(kPerson)};
  }

  test::TinyModel tiny_ = [] {
    test::TinyModel tiny;
    tiny.context = 4096;
    return tiny;
  }();
  Model model_ = test::load_tiny(tiny_);
  Session session_{model_};
  const std::vector<TokenId> prompt_ = test::random_tokens(model_, 10);
};

TEST_F(GrammarGenerate, FinishedAnswersSatisfyTheSchema) {
  const auto schema = nlohmann::json::parse(kPerson);
  int finished = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const GenerateResult result = generate(session_, prompt_, options(seed, 600));
    if (!result.grammar_finished) {
      EXPECT_EQ(result.reason, StopReason::max_tokens);
      continue;
    }
    ++finished;
    EXPECT_EQ(result.reason, StopReason::end_of_turn);
    const auto value = test::read_json(result.text);
    ASSERT_TRUE(value) << result.text;
    EXPECT_TRUE(test::satisfies(*value, schema, schema)) << result.text;
  }
  EXPECT_GE(finished, 30);
}

TEST_F(GrammarGenerate, IsTheLoopOverASampler) {
  for (const int top_logprobs : {-1, 2}) {
    for (const float temperature : {0.0F, 2.0F}) {
      GenerateOptions with = options(7, 80);
      with.sampling.temperature = temperature;
      with.top_logprobs = top_logprobs;
      with.speculate = Speculation::ngram;  // without effect
      const GenerateResult result = generate(session_, prompt_, with);
      Session plain(model_);
      plain.prefill(prompt_);
      Sampler sampler(with.sampling, model_.config().vocab_size);
      for (const TokenId token : prompt_) sampler.accept(token);
      GrammarState state(*with.grammar, model_.tokenizer());
      for (const GeneratedToken& generated : result.tokens) {
        const TokenId token = sampler.sample(plain.logits(), plain.position(), state.allowed());
        ASSERT_EQ(token, generated.token);
        state.accept(token);
        sampler.accept(token);
        plain.decode(token);
      }
      EXPECT_EQ(result.grammar_finished, state.finished());
      EXPECT_EQ(result.drafted_tokens, 0);
    }
  }
}

TEST_F(GrammarGenerate, CutAnswersSaySo) {
  const GenerateResult cut = generate(session_, prompt_, options(1, 5));
  EXPECT_EQ(cut.reason, StopReason::max_tokens);
  EXPECT_FALSE(cut.grammar_finished);
  GenerateOptions stopped = options(1, 600);
  stopped.stop = {"age"};
  const GenerateResult result = generate(session_, prompt_, stopped);
  EXPECT_EQ(result.reason, StopReason::stop_text);
  EXPECT_FALSE(result.grammar_finished);
  GenerateOptions none = options(1, 0);
  EXPECT_FALSE(generate(session_, prompt_, none).grammar_finished);
  none.grammar.reset();
  EXPECT_TRUE(generate(session_, prompt_, none).grammar_finished);
}

TEST_F(GrammarGenerate, ExcludesOtherRulesAboutTokens) {
  GenerateOptions with = options(1, 5);
  with.allowed = [](TokenSpan) { return TokenMask{}; };
  expect_error(ErrorCode::invalid_argument, "found both",
               [&] { (void)generate(session_, prompt_, with); });
  with.allowed = {};
  with.ignore_end = true;
  expect_error(ErrorCode::invalid_argument, "ignore_end",
               [&] { (void)generate(session_, prompt_, with); });
}

}  // namespace
}  // namespace gemma2
