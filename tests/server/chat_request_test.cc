// SPDX-License-Identifier: Apache-2.0
//
// What the fields of a chat request become.
#include <cmath>
#include <limits>
#include <utility>

#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

using std::chrono::milliseconds;

TEST(ChatRequest, DefaultsAreOpenAis) {
  const ChatRequest request = chat("");
  EXPECT_EQ(request.model, "");
  EXPECT_EQ(request.options.max_tokens, -1);
  EXPECT_EQ(request.options.sampling.temperature, 1);
  EXPECT_EQ(request.options.sampling.top_p, 1);
  EXPECT_EQ(request.options.top_logprobs, -1);
  EXPECT_EQ(request.options.prompt_logprobs, -1);
  EXPECT_EQ(request.n, 1);
  EXPECT_EQ(request.best_of, 1);
  EXPECT_FALSE(request.has_seed);
  EXPECT_FALSE(request.stream);
  EXPECT_FALSE(request.include_usage);
  EXPECT_TRUE(request.cache_prompt);
  EXPECT_TRUE(request.chat.add_generation_prompt);
  EXPECT_FALSE(request.options.grammar.has_value());
  EXPECT_FALSE(request.time_limit.has_value());
}

TEST(ChatRequest, TheServersDefaultsHoldWhereItSaysNothing) {
  RequestDefaults defaults;
  defaults.sampling.temperature = 0.25F;
  defaults.sampling.penalty_window = 5;
  defaults.sampling.top_k = 3;
  const ChatRequest request = chat(R"("top_k":7)", defaults);
  EXPECT_EQ(request.options.sampling.temperature, 0.25F);
  EXPECT_EQ(request.options.sampling.top_k, 7);
  EXPECT_EQ(request.options.sampling.penalty_window, 5);
}

TEST(ChatRequest, SamplingFieldsArrive) {
  const SamplingOptions sampling =
      chat(R"("temperature":0.5,"top_p":0.75,"min_p":0.125,"top_k":40.0,"presence_penalty":-1.5,
              "frequency_penalty":1.5,"repeat_penalty":1.25,"repeat_last_n":-1,
              "logit_bias":{"5":-100,"6":2.5})")
          .options.sampling;
  EXPECT_EQ(sampling.temperature, 0.5F);
  EXPECT_EQ(sampling.top_p, 0.75F);
  EXPECT_EQ(sampling.min_p, 0.125F);
  EXPECT_EQ(sampling.top_k, 40);
  EXPECT_EQ(sampling.presence_penalty, -1.5F);
  EXPECT_EQ(sampling.frequency_penalty, 1.5F);
  EXPECT_EQ(sampling.repetition_penalty, 1.25F);
  EXPECT_EQ(sampling.penalty_window, -1);
  const std::vector<std::pair<TokenId, float>> biases = {{5, -100.0F}, {6, 2.5F}};
  EXPECT_EQ(sampling.logit_bias, biases);
}

TEST(ChatRequest, WhatTheSamplerCanNotTakeIsBroughtIntoItsRange) {
  EXPECT_GT(chat(R"("top_p":0)").options.sampling.top_p, 0);
  EXPECT_GT(chat(R"("top_p":1e-300)").options.sampling.top_p, 0);
  EXPECT_EQ(chat(R"("top_k":-1)").options.sampling.top_k, 0);
}

TEST(ChatRequest, TheEndsOfAllRangesAreTheEngines) {
  constexpr int kVocabSize = 300;
  for (const char* fields :
       {R"("temperature":0,"top_p":0,"min_p":0,"top_k":-1,"presence_penalty":-2,
           "frequency_penalty":-2,"repeat_penalty":0.01,"repeat_last_n":-1,
           "logit_bias":{"0":-100,"299":100,"7":false})",
        R"("temperature":2,"top_p":1,"min_p":1,"top_k":2147483647,"presence_penalty":2,
           "frequency_penalty":2,"repeat_penalty":100,"repeat_last_n":2147483647)",
        R"("temperature":1e-300,"top_p":1e-300,"min_p":1e-300)"}) {
    EXPECT_NO_THROW(Sampler(chat(fields).options.sampling, kVocabSize)) << fields;
  }
  const CompletionRequest hottest = native(R"("temperature":100)");
  EXPECT_NO_THROW(Sampler(hottest.options.sampling, kVocabSize));
}

TEST(ChatRequest, ABiasOfFalseBans) {
  const float banned = -std::numeric_limits<float>::infinity();
  const std::vector<std::pair<TokenId, float>> biases = {{2, banned}, {5, 1.0F}};
  EXPECT_EQ(chat(R"("logit_bias":[[2,false],[5,1]])").options.sampling.logit_bias, biases);
  EXPECT_EQ(chat(R"("logit_bias":{"2":false,"5":1})").options.sampling.logit_bias, biases);
}

TEST(ChatRequest, SeedsAreAny64BitsButMinusOne) {
  const auto seed_of = [](const std::string& value) {
    const ChatRequest request = chat("\"seed\":" + value);
    EXPECT_TRUE(request.has_seed);
    return request.options.sampling.seed;
  };
  EXPECT_EQ(seed_of("0"), 0U);
  EXPECT_EQ(seed_of("7"), 7U);
  EXPECT_EQ(seed_of("-2"), std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_EQ(seed_of("-9223372036854775808"), std::uint64_t{1} << 63U);
  EXPECT_EQ(seed_of("18446744073709551614"), std::numeric_limits<std::uint64_t>::max() - 1);
  EXPECT_FALSE(chat(R"("seed":-1)").has_seed);
}

TEST(ChatRequest, LimitsGoByManyNames) {
  for (const char* name : {"max_tokens", "max_completion_tokens", "n_predict", "max_new_tokens"}) {
    EXPECT_EQ(chat('"' + std::string(name) + "\":5").options.max_tokens, 5) << name;
  }
  EXPECT_EQ(chat(R"("max_tokens":5,"max_completion_tokens":5)").options.max_tokens, 5);
  EXPECT_EQ(chat(R"("max_tokens":5,"n_predict":null)").options.max_tokens, 5);
  expect_refused("max_tokens", "expected the value of max_completion_tokens, which means the same",
                 [] { (void)chat(R"("max_tokens":5,"max_completion_tokens":6)"); });
  expect_refused("repetition_penalty", "expected the value of repeat_penalty",
                 [] { (void)chat(R"("repeat_penalty":1.5,"repetition_penalty":1.25)"); });
}

TEST(ChatRequest, StopsAreOneOrMany) {
  using Stops = std::vector<std::string>;
  EXPECT_EQ(chat(R"("stop":"a")").options.stop, Stops({"a"}));
  EXPECT_EQ(chat(R"("stop":["a","b\n"])").options.stop, Stops({"a", "b\n"}));
  EXPECT_EQ(chat(R"("stop":null)").options.stop, Stops());
  EXPECT_EQ(chat(R"("stop":[])").options.stop, Stops());
}

TEST(ChatRequest, StopsHaveLimits) {
  const auto list = [](int count, std::size_t bytes) {
    std::string text = "\"stop\":[";
    for (int i = 0; i < count; ++i) {
      text += (i > 0 ? ",\"" : "\"") + std::string(bytes, 'x') + '"';
    }
    return text + "]";
  };
  EXPECT_EQ(chat(list(16, 512)).options.stop.size(), 16U);
  expect_refused("stop", "expected at most 16 strings, found 17", [&] { (void)chat(list(17, 1)); });
  expect_refused("stop", "expected at most 16 strings, found 100000",
                 [&] { (void)chat(list(100'000, 1)); });
  expect_refused("stop", "expected at most 8192 bytes together, found 8208",
                 [&] { (void)chat(list(16, 513)); });
  expect_refused("stop[0]", "expected at most 8192 bytes", [&] { (void)chat(list(1, 1 << 20)); });
  expect_refused("stop[1]", "expected a text, found an empty string",
                 [] { (void)chat(R"("stop":["a",""])"); });
}

TEST(ChatRequest, TopLogprobsNeedLogprobs) {
  EXPECT_EQ(chat(R"("logprobs":true)").options.top_logprobs, 0);
  EXPECT_EQ(chat(R"("logprobs":true,"top_logprobs":20)").options.top_logprobs, 20);
  EXPECT_EQ(chat(R"("logprobs":false,"top_logprobs":0)").options.top_logprobs, -1);
  expect_refused("top_logprobs", "expected logprobs to be true beside it",
                 [] { (void)chat(R"("top_logprobs":1)"); });
  expect_refused("top_logprobs", "expected logprobs to be true beside it",
                 [] { (void)chat(R"("logprobs":false,"top_logprobs":5)"); });
}

TEST(ChatRequest, StreamOptionsNeedAStream) {
  const ChatRequest request = chat(R"("stream":true,"stream_options":{"include_usage":true})");
  EXPECT_TRUE(request.stream);
  EXPECT_TRUE(request.include_usage);
  EXPECT_FALSE(chat(R"("stream":true,"stream_options":{})").include_usage);
  EXPECT_FALSE(chat(R"("stream":false,"stream_options":null)").include_usage);
  expect_refused("stream_options", "expected stream to be true beside it",
                 [] { (void)chat(R"("stream_options":{"include_usage":true})"); });
  expect_refused("stream_options", "expected an object, found true",
                 [] { (void)chat(R"("stream":true,"stream_options":true)"); });
  expect_refused("stream_options.include_usage", "expected true or false, found 1",
                 [] { (void)chat(R"("stream":true,"stream_options":{"include_usage":1})"); });
  expect_refused("stream_options.continuous_usage_stats", "not supported", [] {
    (void)chat(R"("stream":true,"stream_options":{"continuous_usage_stats":true})");
  });
}

TEST(ChatRequest, CandidatesAreAtLeastTheAnswers) {
  const ChatRequest request = chat(R"("n":2,"best_of":4)");
  EXPECT_EQ(request.n, 2);
  EXPECT_EQ(request.best_of, 4);
  EXPECT_EQ(chat(R"("n":3)").best_of, 3);
  EXPECT_EQ(chat(R"("n":3,"best_of":3,"stream":true)").best_of, 3);
  expect_refused("best_of", "expected an integer from 3 to 64, found 2",
                 [] { (void)chat(R"("n":3,"best_of":2)"); });
  expect_refused("best_of", "no stream", [] { (void)chat(R"("best_of":2,"stream":true)"); });
}

TEST(ChatRequest, TheShorterTimeLimitHolds) {
  EXPECT_EQ(chat(R"("t_max_predict_ms":250)").time_limit, milliseconds(250));
  EXPECT_EQ(chat(R"("max_time":1.5)").time_limit, milliseconds(1500));
  EXPECT_EQ(chat(R"("max_time":1.5,"t_max_predict_ms":250)").time_limit, milliseconds(250));
  EXPECT_EQ(chat(R"("max_time":0.25,"t_max_predict_ms":-1)").time_limit, milliseconds(250));
  EXPECT_EQ(chat(R"("t_max_predict_ms":0)").time_limit, std::nullopt);
}

TEST(ChatRequest, ExtensionsArrive) {
  const ChatRequest request =
      chat(R"("model":"gemma-2b-it","cache_prompt":false,"cache_salt":"s","return_tokens":true,
              "timings_per_token":true,"return_progress":true,"ignore_eos":true)");
  EXPECT_EQ(request.model, "gemma-2b-it");
  EXPECT_FALSE(request.cache_prompt);
  EXPECT_EQ(request.cache_salt, "s");
  EXPECT_TRUE(request.return_token_ids);
  EXPECT_TRUE(request.timings_per_token);
  EXPECT_TRUE(request.return_progress);
  EXPECT_TRUE(request.options.ignore_end);
}

TEST(ChatRequest, TheFinalMessageCanGoOn) {
  const std::string messages =
      R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Well"}])";
  const ChatRequest request =
      parse_chat_request(messages + R"(,"continue_final_message":true})", {});
  EXPECT_TRUE(request.continue_final_message);
  EXPECT_FALSE(request.chat.add_generation_prompt);
  EXPECT_TRUE(parse_chat_request(messages + "}", {}).chat.add_generation_prompt);
  expect_refused("continue_final_message", "expected add_generation_prompt to be false", [&] {
    (void)parse_chat_request(
        messages + R"(,"continue_final_message":true,"add_generation_prompt":true})", {});
  });
  expect_refused("continue_final_message", "expected the last message to be the assistant's",
                 [] { (void)chat(R"("continue_final_message":true)"); });
  EXPECT_FALSE(chat(R"("add_generation_prompt":false)").chat.add_generation_prompt);
}

TEST(ChatRequest, ToolsAreRefusedUnlessNoneMayBeCalled) {
  const std::string tools = R"("tools":[{"type":"function","function":{"name":"f"}}])";
  EXPECT_NO_THROW((void)chat(tools + R"(,"tool_choice":"none")"));
  EXPECT_NO_THROW((void)chat(R"("tools":[],"tool_choice":null)"));
  EXPECT_NO_THROW((void)chat(R"("tools":[],"functions":[],"tool_choice":"none")"));
  expect_refused("tools", "response_format", [&] { (void)chat(tools); });
  expect_refused("tools", "not supported", [&] { (void)chat(tools + R"(,"tool_choice":"auto")"); });
  expect_refused("tools", "not supported", [] { (void)chat(R"("tools":5)"); });
  expect_refused("tool_choice", "not supported", [] { (void)chat(R"("tool_choice":"auto")"); });
  expect_refused("tool_choice", "not supported",
                 [] { (void)chat(R"("tools":[],"tool_choice":{"type":"function"})"); });
  expect_refused("functions", "not supported", [] { (void)chat(R"("functions":[{"name":"f"}])"); });
  expect_refused("function_call", "not supported", [] { (void)chat(R"("function_call":"auto")"); });
}

TEST(ChatRequest, TemplatesTakeTheSame) {
  const std::string body = with(kChatBody, R"("add_generation_prompt":false)");
  const ChatRequest request = parse_template_request(body, {});
  EXPECT_EQ(request.messages.size(), 1U);
  EXPECT_FALSE(request.chat.add_generation_prompt);
  expect_refused("temperature", "expected a number", [] {
    (void)parse_template_request(with(kChatBody, R"("temperature":"hot")"), {});
  });
}

}  // namespace
}  // namespace gemma2::server::test
