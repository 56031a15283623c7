// SPDX-License-Identifier: Apache-2.0
#include "server/answer_fixture.h"

namespace gemma2::server::test {
namespace {

std::unique_ptr<AnswerFormat> format_of(const ChatRequest& request) {
  return make_chat_format(some_head("chatcmpl-1"), request, tiny_tokenizer());
}

constexpr const char* kTimings = R"({"cache_n":1,"prompt_n":4,"prompt_ms":500,
  "prompt_per_second":8,"predicted_n":2,"predicted_ms":250,"predicted_per_second":8})";

std::string chunk(const std::string& choices, const std::string& more = "") {
  return R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m",
             "system_fingerprint":"gemma2 0.1 test","choices":)" +
         choices + more + "}";
}

TEST(ChatAnswer, BodyIsOpenAis) {
  const ChatRequest request;
  const GenerateResult result = the_fox();
  const Choice choice = {.index = 0, .result = &result, .seed = 7};
  expect_json(format_of(request)->body({&choice, 1}, kUsage),
              R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m",
      "system_fingerprint":"gemma2 0.1 test",
      "choices":[{"index":0,
                  "message":{"role":"assistant","content":" the fox","refusal":null},
                  "logprobs":null,"finish_reason":"stop","seed":7}],
      "usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,
               "prompt_tokens_details":{"cached_tokens":2},
               "completion_tokens_details":{"reasoning_tokens":0}},
      "timings":)" +
                  std::string(kTimings) + "}");
}

TEST(ChatAnswer, LogprobsHaveBytesAndAlternatives) {
  ChatRequest request;
  request.options.top_logprobs = 2;
  GenerateResult result = the_fox();
  result.tokens.resize(1);
  const Choice choice = {.result = &result};
  const auto body = read(format_of(request)->body({&choice, 1}, kUsage));
  expect_json(body.at("choices").at(0).at("logprobs"),
              R"({"content":[{"token":" the","logprob":-0.5,"bytes":[32,116,104,101],
      "top_logprobs":[{"token":" the","logprob":-0.5,"bytes":[32,116,104,101]},
                      {"token":" a","logprob":-1.25,"bytes":[32,97]}]}],"refusal":null})");
}

TEST(ChatAnswer, PartsOfCharactersKeepTheirBytes) {
  ChatRequest request;
  request.options.top_logprobs = 0;
  GenerateResult result;
  result.reason = StopReason::max_tokens;
  result.text = "\uFFFD";
  result.tokens = {{id_of_byte(0xE2), -1.0F, {}}};
  const Choice choice = {.result = &result};
  const auto body = read(format_of(request)->body({&choice, 1}, kUsage));
  expect_json(body.at("choices").at(0).at("logprobs").at("content").at(0),
              R"({"token":"\ufffd","logprob":-1,"bytes":[226],"top_logprobs":[]})");
}

TEST(ChatAnswer, SeveralChoicesHaveNoCommonTimings) {
  const ChatRequest request;
  const GenerateResult result = the_fox();
  const std::vector<Choice> choices = {{.index = 0, .result = &result, .seed = 1},
                                       {.index = 1, .result = &result, .seed = 2}};
  const auto body = read(format_of(request)->body(choices, kUsage));
  EXPECT_EQ(body.at("choices").size(), 2U);
  EXPECT_EQ(body.at("choices").at(1).at("index"), 1);
  EXPECT_EQ(body.at("choices").at(1).at("seed"), 2);
  EXPECT_FALSE(body.contains("timings"));
}

TEST(ChatAnswer, TokenIdsComeIfAskedFor) {
  ChatRequest request;
  request.return_token_ids = true;
  const GenerateResult result = the_fox();
  const std::vector<TokenId> prompt = {2, 5};
  const Choice choice = {.prompt = prompt, .result = &result};
  const auto body = read(format_of(request)->body({&choice, 1}, kUsage));
  EXPECT_EQ(body.at("prompt_token_ids"), ordered_json({2, 5}));
  EXPECT_EQ(body.at("choices").at(0).at("token_ids"), ordered_json({id_of("_the"), id_of("_fox")}));
}

TEST(ChatAnswer, StreamsBeginWithTheRoleAndEndWithTheReason) {
  ChatRequest request;
  request.stream = true;
  const GenerateResult result = the_fox();
  const auto format = format_of(request);
  expect_json(format->opening(0),
              chunk(R"([{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,
                         "finish_reason":null}])"));
  expect_json(format->piece(0, " the", result.tokens),
              chunk(R"([{"index":0,"delta":{"content":" the"},"logprobs":null,
                         "finish_reason":null}])"));
  expect_json(format->closing({.index = 0, .result = &result, .seed = 7}),
              chunk(R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop","seed":7}])",
                    ",\"timings\":" + std::string(kTimings)));
  EXPECT_EQ(format->usage({}, kUsage), "");
  EXPECT_EQ(format->end(), "[DONE]");
}

TEST(ChatAnswer, UsageIsNullUntilTheEnd) {
  ChatRequest request;
  request.stream = true;
  request.include_usage = true;
  const GenerateResult result = the_fox();
  const auto format = format_of(request);
  for (const std::string& event :
       {format->opening(0), format->piece(0, "x", {}), format->closing({.result = &result}),
        format->progress(0, 1, 5)}) {
    const auto json = read(event);
    ASSERT_TRUE(json.contains("usage")) << event;
    EXPECT_TRUE(json.at("usage").is_null());
  }
  expect_json(format->usage({}, kUsage),
              chunk("[]", R"(,"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,
                 "prompt_tokens_details":{"cached_tokens":2},
                 "completion_tokens_details":{"reasoning_tokens":0}})"));
}

TEST(ChatAnswer, EventsWithoutNewsAreNotSent) {
  ChatRequest request;
  const GenerateResult result = the_fox();
  EXPECT_EQ(format_of(request)->piece(0, "", {}), "");
  EXPECT_EQ(format_of(request)->piece(0, "", result.tokens), "");
  request.options.top_logprobs = 0;
  EXPECT_NE(format_of(request)->piece(0, "", result.tokens), "");
}

TEST(ChatAnswer, PiecesCarryWhatWasAskedFor) {
  ChatRequest request;
  request.options.top_logprobs = 2;
  request.return_token_ids = true;
  request.timings_per_token = true;
  const GenerateResult result = the_fox();
  const auto event = read(format_of(request)->piece(0, " the", std::span(result.tokens).first(1),
                                                    Timings{.prompt_tokens = 5,
                                                            .cached_tokens = 1,
                                                            .answer_tokens = 1,
                                                            .prefill_seconds = 0.5,
                                                            .decode_seconds = 0.125}));
  EXPECT_EQ(event.at("choices").at(0).at("logprobs").at("content").at(0).at("token"), " the");
  EXPECT_EQ(event.at("choices").at(0).at("token_ids"), ordered_json({id_of("_the")}));
  EXPECT_EQ(event.at("timings").at("predicted_n"), 1);
  EXPECT_EQ(event.at("timings").at("predicted_per_second"), 8);
}

TEST(ChatAnswer, ProgressIsAChunkOfItsOwn) {
  const ChatRequest request;
  expect_json(format_of(request)->progress(0, 256, 1000),
              chunk(R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":null}])",
                    R"(,"prompt_progress":{"total":1000,"processed":256})"));
}

TEST(ChatAnswer, ReasonsAreStopOrLength) {
  const ChatRequest request;
  const auto reason_of = [&](StopReason reason, bool finished) {
    GenerateResult result = the_fox();
    result.reason = reason;
    result.grammar_finished = finished;
    const Choice choice = {.result = &result};
    const auto body = read(format_of(request)->body({&choice, 1}, kUsage));
    return body.at("choices").at(0).at("finish_reason").get<std::string>();
  };
  EXPECT_EQ(reason_of(StopReason::end_of_turn, true), "stop");
  EXPECT_EQ(reason_of(StopReason::stop_text, true), "stop");
  for (const StopReason reason : {StopReason::max_tokens, StopReason::context_full,
                                  StopReason::cancelled, StopReason::deadline}) {
    EXPECT_EQ(reason_of(reason, true), "length");
  }
  EXPECT_EQ(reason_of(StopReason::end_of_turn, false), "length");
  EXPECT_EQ(reason_of(StopReason::stop_text, false), "length");
}

}  // namespace
}  // namespace gemma2::server::test
