// SPDX-License-Identifier: Apache-2.0
//
// /v1/completions, and the five rules that make evaluation by echo right.
#include <algorithm>

#include "server/answer_fixture.h"

namespace gemma2::server::test {
namespace {

std::unique_ptr<AnswerFormat> format_of(const CompletionRequest& request) {
  return make_completion_format(some_head("cmpl-1"), request, tiny_tokenizer());
}

CompletionRequest request_for(std::vector<Prompt> prompts) {
  CompletionRequest request;
  request.prompts = std::move(prompts);
  return request;
}

ordered_json only_choice(const CompletionRequest& request, const GenerateResult& result) {
  const Choice choice = {.result = &result};
  return read(format_of(request)->body({&choice, 1}, kUsage)).at("choices").at(0);
}

/// "<bos> a fox" scored, then " the".
GenerateResult scored_prompt() {
  GenerateResult result;
  result.reason = StopReason::max_tokens;
  result.text = " the";
  result.prompt = {{id_of("<bos>"), 0, {}},
                   {id_of("_a"), -0.1F, {{id_of("_a"), -0.1F}}},
                   {id_of("_fox"), -3.3F, {{id_of("_sun"), -0.7F}}}};
  result.tokens = {{id_of("_the"), -0.2F, {{id_of("_the"), -0.2F}}}};
  return result;
}

TEST(CompletionAnswer, BodyIsOpenAis) {
  const CompletionRequest request = request_for({"Hi"});
  const GenerateResult result = the_fox();
  const Choice choice = {.result = &result, .seed = 18446744073709551615U};
  expect_json(format_of(request)->body({&choice, 1}, kUsage),
              R"({"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m",
      "system_fingerprint":"gemma2 0.1 test",
      "choices":[{"index":0,"text":" the fox","logprobs":null,"finish_reason":"stop",
                  "seed":18446744073709551615}],
      "usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,
               "prompt_tokens_details":{"cached_tokens":2},
               "completion_tokens_details":{"reasoning_tokens":0}},
      "timings":{"cache_n":1,"prompt_n":4,"prompt_ms":500,"prompt_per_second":8,
                 "predicted_n":2,"predicted_ms":250,"predicted_per_second":8}})");
}

TEST(CompletionAnswer, LogprobsAreParallelArrays) {
  CompletionRequest request = request_for({"Hi"});
  request.options.top_logprobs = 2;
  expect_json(only_choice(request, the_fox()).at("logprobs"),
              R"({"tokens":[" the"," fox"],"token_logprobs":[-0.5,-2],
      "top_logprobs":[{" the":-0.5," a":-1.25},{" sun":-0.25," day":-1.5," fox":-2}],
      "text_offset":[0,4]})");
}

TEST(CompletionAnswer, EchoScoresThePrompt) {
  CompletionRequest request = request_for({"\u00e9 fox"});
  request.prompts = {" a fox"};
  request.options.top_logprobs = 1;
  request.options.prompt_logprobs = 1;
  request.echo = true;
  const auto choice = only_choice(request, scored_prompt());
  EXPECT_EQ(choice.at("text"), " a fox the");
  expect_json(choice.at("logprobs"),
              R"({"tokens":["<bos>"," a"," fox"," the"],"token_logprobs":[null,-0.1,-3.3,-0.2],
      "top_logprobs":[null,{" a":-0.1},{" sun":-0.7," fox":-3.3},{" the":-0.2}],
      "text_offset":[0,0,2,6]})");
}

TEST(CompletionAnswer, TheSameNumberIsPrintedTwice) {
  CompletionRequest request = request_for({std::vector<TokenId>{2, 5}});
  request.options.top_logprobs = 1;
  request.echo = true;
  GenerateResult result = scored_prompt();
  const float awkward = -1.0F / 3.0F;
  result.prompt[1].logprob = awkward;
  result.prompt[1].top[0].logprob = awkward;
  const Choice choice = {.result = &result};
  const std::string body = format_of(request)->body({&choice, 1}, kUsage);
  EXPECT_NE(body.find("[null,-0.33333334,"), std::string::npos) << body;
  EXPECT_NE(body.find("{\" a\":-0.33333334}"), std::string::npos) << body;
}

// lm-eval: is_greedy = (token_logprob == max(top_logprobs.values())).
TEST(CompletionAnswer, GreedinessCanBeSeen) {
  CompletionRequest request = request_for({"x"});
  request.options.top_logprobs = 1;
  request.echo = true;
  const auto logprobs = only_choice(request, scored_prompt()).at("logprobs");
  const auto is_greedy = [&](std::size_t i) {
    double best = -1e9;
    for (const auto& [token, logprob] : logprobs.at("top_logprobs").at(i).items()) {
      best = std::max(best, logprob.get<double>());
    }
    return logprobs.at("token_logprobs").at(i).get<double>() == best;
  };
  EXPECT_TRUE(is_greedy(1));
  EXPECT_FALSE(is_greedy(2));
  EXPECT_TRUE(is_greedy(3));
}

TEST(CompletionAnswer, TokensSpelledAlikeKeepTheLikelier) {
  CompletionRequest request = request_for({"x"});
  request.options.top_logprobs = 2;
  GenerateResult result;
  result.reason = StopReason::max_tokens;
  result.text = "\uFFFD";
  result.tokens = {{id_of_byte(0xE2), -4.0F, {{id_of_byte(0xC3), -0.5F}, {id_of("_a"), -1.0F}}}};
  expect_json(only_choice(request, result).at("logprobs"),
              R"({"tokens":["\ufffd"],"token_logprobs":[-4],
                  "top_logprobs":[{"\ufffd":-0.5," a":-1}],"text_offset":[0]})");
}

TEST(CompletionAnswer, OffsetsCountCharacters) {
  CompletionRequest request = request_for({"\u4e16\u00e9"});
  request.echo = true;
  request.options.top_logprobs = 0;
  GenerateResult result;
  result.reason = StopReason::max_tokens;
  result.text = "\u65e5 the";  // U+65E5 in three tokens
  result.prompt = {
      {id_of("<bos>"), 0, {}}, {id_of("\u4e16"), -1.0F, {}}, {id_of("\u00e9"), -1.0F, {}}};
  for (const char byte : std::string_view("\u65e5")) {
    result.tokens.push_back({id_of_byte(static_cast<unsigned char>(byte)), -1.0F, {}});
  }
  result.tokens.push_back({id_of("_the"), -1.0F, {}});
  const auto choice = only_choice(request, result);
  EXPECT_EQ(choice.at("text"), "\u4e16\u00e9\u65e5 the");
  EXPECT_EQ(choice.at("logprobs").at("text_offset"), ordered_json({0, 0, 1, 2, 2, 2, 3}));
}

TEST(CompletionAnswer, TokenPromptsAreSpelledOut) {
  CompletionRequest request =
      request_for({std::vector<TokenId>{id_of("<bos>"), id_of("_a"), id_of("<end_of_turn>")},
                   std::vector<TokenId>{id_of("_fox")}});
  request.echo = true;
  request.n = 2;
  const GenerateResult result = the_fox();
  std::vector<Choice> choices;
  for (int i = 0; i < 4; ++i) choices.push_back({.index = i, .result = &result});
  const auto list = read(format_of(request)->body(choices, kUsage)).at("choices");
  EXPECT_EQ(list.at(0).at("text"), " a<end_of_turn> the fox");
  EXPECT_EQ(list.at(1).at("text"), " a<end_of_turn> the fox");
  EXPECT_EQ(list.at(2).at("text"), " fox the fox");
  EXPECT_EQ(list.at(3).at("text"), " fox the fox");
}

TEST(CompletionAnswer, StopTextIsInNeitherTextNorTokens) {
  CompletionRequest request = request_for({"x"});
  request.options.top_logprobs = 0;
  request.return_token_ids = true;
  GenerateResult result = the_fox();
  result.reason = StopReason::stop_text;
  result.text = " the";
  result.stop_text = " fox";
  const auto choice = only_choice(request, result);
  EXPECT_EQ(choice.at("logprobs").at("tokens"), ordered_json({" the"}));
  EXPECT_EQ(choice.at("token_ids"), ordered_json({id_of("_the")}));
}

TEST(CompletionAnswer, StreamsAreOneTextAfterAnother) {
  CompletionRequest request = request_for({" a"});
  request.stream = true;
  request.echo = true;
  const GenerateResult result = the_fox();
  const auto format = format_of(request);
  const std::string head =
      R"({"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m",
          "system_fingerprint":"gemma2 0.1 test","choices":[{"index":0,)";
  expect_json(format->opening(0), head + R"("text":" a","logprobs":null,"finish_reason":null}]})");
  expect_json(format->piece(0, " the", {}),
              head + R"("text":" the","logprobs":null,"finish_reason":null}]})");
  const auto closing = read(format->closing({.result = &result, .seed = 3})).at("choices").at(0);
  expect_json(closing, R"({"index":0,"text":"","logprobs":null,"finish_reason":"stop","seed":3})");
  EXPECT_EQ(format->usage({}, kUsage), "");
  EXPECT_EQ(format->end(), "[DONE]");
  request.echo = false;
  EXPECT_EQ(format_of(request)->opening(0), "");
}

TEST(CompletionAnswer, OffsetsGoOnThroughAStream) {
  CompletionRequest request = request_for({"x"});
  request.stream = true;
  request.n = 2;
  request.options.top_logprobs = 0;
  const GenerateResult result = the_fox();
  const auto format = format_of(request);
  const auto offsets = [&](int index, std::string_view text, std::size_t token) {
    const auto event = read(format->piece(index, text, std::span(result.tokens).subspan(token, 1)));
    return event.at("choices").at(0).at("logprobs").at("text_offset");
  };
  EXPECT_EQ(offsets(0, " the", 0), ordered_json({0}));
  EXPECT_EQ(offsets(1, " fox", 1), ordered_json({0}));
  EXPECT_EQ(offsets(0, " fox", 1), ordered_json({4}));
  EXPECT_EQ(offsets(1, " the", 0), ordered_json({4}));
}

}  // namespace
}  // namespace gemma2::server::test
