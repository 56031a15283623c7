// SPDX-License-Identifier: Apache-2.0
#include "server/answer_fixture.h"

namespace gemma2::server::test {
namespace {

std::unique_ptr<AnswerFormat> format_of(const CompletionRequest& request) {
  return make_completion_format(some_head("cmpl-1"), request, tiny_tokenizer());
}

CompletionRequest native_request() {
  CompletionRequest request;
  request.native = true;
  request.prompts = {"Once"};
  request.options.max_tokens = 8;
  request.options.stop = {"\n"};
  request.options.sampling.temperature = 0.5F;
  return request;
}

TEST(NativeAnswer, BodyIsLlamaCpps) {
  const CompletionRequest request = native_request();
  const GenerateResult result = the_fox();
  const Choice choice = {.result = &result, .seed = 7};
  expect_json(format_of(request)->body({&choice, 1}, kUsage),
              R"({"index":0,"content":" the fox","tokens":[],"id_slot":-1,"stop":true,
      "model":"m","tokens_predicted":2,"tokens_evaluated":5,"tokens_cached":1,
      "generation_settings":{"n_predict":8,"seed":7,"temperature":0.5,"top_k":0,"top_p":1,
        "min_p":0,"repeat_last_n":64,"repeat_penalty":1,"presence_penalty":0,
        "frequency_penalty":0,"n_probs":0,"stop":["\n"],"ignore_eos":false,"stream":false,
        "timings_per_token":false},
      "prompt":"Once","has_new_line":false,"truncated":false,"stop_type":"eos",
      "stopping_word":"",
      "timings":{"cache_n":1,"prompt_n":4,"prompt_ms":500,"prompt_per_second":8,
                 "predicted_n":2,"predicted_ms":250,"predicted_per_second":8},
      "system_fingerprint":"gemma2 0.1 test"})");
}

TEST(NativeAnswer, ProbabilitiesHaveIds) {
  CompletionRequest request = native_request();
  request.options.top_logprobs = 1;
  request.return_token_ids = true;
  GenerateResult result = the_fox();
  result.tokens.resize(1);
  result.tokens[0].top.resize(1);
  const Choice choice = {.result = &result};
  const auto body = read(format_of(request)->body({&choice, 1}, kUsage));
  const std::string id = std::to_string(id_of("_the"));
  EXPECT_EQ(body.at("tokens"), ordered_json({id_of("_the")}));
  expect_json(body.at("completion_probabilities"),
              "[{\"id\":" + id + R"(,"token":" the","bytes":[32,116,104,101],"logprob":-0.5,
                "top_logprobs":[{"id":)" +
                  id + R"(,"token":" the","bytes":[32,116,104,101],"logprob":-0.5}]}])");
}

TEST(NativeAnswer, SeveralPromptsAreAnArray) {
  CompletionRequest request = native_request();
  request.prompts = {"Once", "Twice"};
  const GenerateResult result = the_fox();
  const std::vector<Choice> choices = {{.index = 0, .result = &result},
                                       {.index = 1, .result = &result}};
  const auto body = read(format_of(request)->body(choices, kUsage));
  ASSERT_EQ(body.size(), 2U);
  EXPECT_EQ(body.at(1).at("prompt"), "Twice");
}

TEST(NativeAnswer, StreamsEndWithTheFacts) {
  CompletionRequest request = native_request();
  request.stream = true;
  const GenerateResult result = the_fox();
  const auto format = format_of(request);
  EXPECT_EQ(format->opening(0), "");
  EXPECT_EQ(format->piece(0, "", {}), "");
  expect_json(format->piece(0, " the", std::span(result.tokens).first(1)),
              R"({"index":0,"content":" the","tokens":[],"id_slot":-1,"stop":false})");
  const auto closing = read(format->closing({.result = &result, .seed = 7}));
  EXPECT_EQ(closing.at("content"), "");
  EXPECT_EQ(closing.at("stop"), true);
  EXPECT_EQ(closing.at("tokens_predicted"), 2);
  EXPECT_EQ(closing.at("generation_settings").at("seed"), 7);
  EXPECT_EQ(format->usage({}, kUsage), "");
  EXPECT_EQ(format->end(), "");
  expect_json(format->progress(0, 3, 9),
              R"({"index":0,"content":"","tokens":[],"id_slot":-1,"stop":false,
                  "prompt_progress":{"total":9,"processed":3}})");
}

TEST(NativeAnswer, StopTypesAreLlamaCpps) {
  const CompletionRequest request = native_request();
  const auto type_of = [&](StopReason reason) {
    GenerateResult result = the_fox();
    result.reason = reason;
    const Choice choice = {.result = &result};
    const auto body = read(format_of(request)->body({&choice, 1}, kUsage));
    return body.at("stop_type").get<std::string>();
  };
  EXPECT_EQ(type_of(StopReason::end_of_turn), "eos");
  EXPECT_EQ(type_of(StopReason::stop_text), "word");
  EXPECT_EQ(type_of(StopReason::max_tokens), "limit");
  EXPECT_EQ(type_of(StopReason::context_full), "limit");
  EXPECT_EQ(type_of(StopReason::deadline), "limit");
  EXPECT_EQ(type_of(StopReason::cancelled), "none");
}

}  // namespace
}  // namespace gemma2::server::test
