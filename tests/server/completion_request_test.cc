// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <fmt/format.h>

#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

using Ids = std::vector<TokenId>;
using Prompts = std::vector<Prompt>;

Prompts prompts(const std::string& prompt) {
  const std::string body = "{\"prompt\":" + prompt + "}";
  Prompts read = parse_completion_request(body, {}).prompts;
  EXPECT_EQ(parse_native_completion_request(body, {}).prompts, read);
  return read;
}

void expect_prompt_refused(const std::string& prompt, const std::string& param,
                           const std::string& part) {
  const std::string body = "{\"prompt\":" + prompt + "}";
  expect_refused(param, part, [&] { (void)parse_completion_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_native_completion_request(body, {}); });
}

std::string list_of(const std::string& element, std::size_t count) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list += (i > 0 ? "," : "") + element;
  return list + "]";
}

TEST(CompletionRequest, DefaultsAreOpenAisAndLlamaCpps) {
  const CompletionRequest openai = completion("");
  EXPECT_EQ(openai.options.max_tokens, 16);
  EXPECT_EQ(openai.options.sampling.temperature, 1);
  EXPECT_EQ(openai.options.top_logprobs, -1);
  EXPECT_FALSE(openai.echo);
  EXPECT_FALSE(openai.native);
  const CompletionRequest llama = native("");
  EXPECT_EQ(llama.options.max_tokens, -1);
  EXPECT_EQ(llama.options.top_logprobs, -1);
  EXPECT_TRUE(llama.native);
}

TEST(CompletionRequest, PromptsHaveFourShapes) {
  EXPECT_EQ(prompts("\"Hi\""), (Prompts{"Hi"}));
  EXPECT_EQ(prompts("\"\""), (Prompts{""}));
  EXPECT_EQ(prompts("[2,5.0,2147483647]"), (Prompts{Ids{2, 5, 2147483647}}));
  EXPECT_EQ(prompts(R"(["a","","b"])"), (Prompts{"a", "", "b"}));
  EXPECT_EQ(prompts("[[2,5],[0]]"), (Prompts{Ids{2, 5}, Ids{0}}));
}

TEST(CompletionRequest, OtherPromptsAreRefused) {
  expect_prompt_refused("null", "prompt", "expected text or token ids, found none");
  expect_prompt_refused("5", "prompt", "expected a string, an array of token ids");
  expect_prompt_refused("true", "prompt", "found true");
  expect_prompt_refused("{}", "prompt", "found an object");
  expect_prompt_refused("[]", "prompt", "found an empty array");
  expect_prompt_refused("[[]]", "prompt[0]", "expected at least one token id");
  expect_prompt_refused("[null]", "prompt", "expected a string, an array");
  expect_prompt_refused("[{}]", "prompt", "expected a string, an array");
  expect_prompt_refused("[true]", "prompt[0]", "expected an integer from 0 to 2147483647");
  expect_prompt_refused("[-1]", "prompt[0]", "found -1");
  expect_prompt_refused("[2,2147483648]", "prompt[1]", "found 2147483648");
  expect_prompt_refused("[1099511627776]", "prompt[0]", "found 1099511627776");
  expect_prompt_refused("[2,0.5]", "prompt[1]", "found 0.5");
  expect_prompt_refused("[[2,-1]]", "prompt[0][1]", "found -1");
  expect_prompt_refused("[[[2]]]", "prompt[0][0]", "found an array");
  expect_refused("prompt", "found none", [] { (void)parse_completion_request("{}", {}); });
}

TEST(CompletionRequest, PromptsAreNotMixed) {
  expect_prompt_refused(R"(["a",5])", "prompt[1]", "expected a string, found 5");
  expect_prompt_refused(R"([5,"a"])", "prompt[1]", "expected an integer");
  expect_prompt_refused(R"(["a",[5]])", "prompt[1]", "expected a string, found an array");
  expect_prompt_refused(R"([[5],"a"])", "prompt[1]", "expected an array, found the string \"a\"");
  expect_prompt_refused("[[5],5]", "prompt[1]", "expected an array, found 5");
}

TEST(CompletionRequest, PromptsAndAnswersAreCounted) {
  EXPECT_EQ(prompts(list_of("\"a\"", 2048)).size(), 2048U);
  expect_prompt_refused(list_of("\"a\"", 2049), "prompt", "expected at most 2048, found 2049");
  expect_prompt_refused(list_of("[5]", 2049), "prompt", "expected at most 2048, found 2049");
  const auto body = [](std::size_t count, int n) {
    return fmt::format("{{\"prompt\":{},\"n\":{}}}", list_of("[5]", count), n);
  };
  EXPECT_NO_THROW((void)parse_completion_request(body(32, 64), {}));
  expect_refused("n",
                 "expected at most 2048 answers to all prompts together, found 33 prompts "
                 "with 64 each",
                 [&] { (void)parse_completion_request(body(33, 64), {}); });
}

TEST(CompletionRequest, WhatEvaluationHarnessesSend) {
  const CompletionRequest request = parse_completion_request(
      R"({"model":"x","prompt":[[2,5,6],[2,7]],"max_tokens":1,"logprobs":1,"echo":true,
          "temperature":0,"seed":1234})",
      {});
  EXPECT_EQ(request.prompts.size(), 2U);
  EXPECT_TRUE(request.echo);
  EXPECT_EQ(request.options.max_tokens, 1);
  EXPECT_EQ(request.options.top_logprobs, 1);
  EXPECT_EQ(request.options.prompt_logprobs, 1);
  EXPECT_EQ(request.options.sampling.seed, 1234U);
  EXPECT_TRUE(request.has_seed);
}

TEST(CompletionRequest, EchoNeedsPromptLogprobsOnlyWithLogprobs) {
  EXPECT_EQ(completion(R"("echo":true)").options.prompt_logprobs, -1);
  EXPECT_EQ(completion(R"("logprobs":3)").options.prompt_logprobs, -1);
  EXPECT_EQ(completion(R"("echo":true,"logprobs":0)").options.prompt_logprobs, 0);
  EXPECT_TRUE(completion(R"("echo":true,"stream":true)").echo);
  expect_refused("echo", "expected no stream",
                 [] { (void)completion(R"("echo":true,"logprobs":0,"stream":true)"); });
}

TEST(CompletionRequest, NativeProbabilitiesOfZeroAreNone) {
  EXPECT_EQ(native(R"("n_probs":0)").options.top_logprobs, -1);
  EXPECT_EQ(native(R"("n_probs":5)").options.top_logprobs, 5);
  EXPECT_EQ(completion(R"("n_probs":5)").options.top_logprobs, 5);
  expect_refused("n_probs", "expected the value of logprobs",
                 [] { (void)completion(R"("n_probs":5,"logprobs":4)"); });
}

TEST(CompletionRequest, SuffixesAreRefused) {
  EXPECT_NO_THROW((void)completion(R"("suffix":null)"));
  EXPECT_NO_THROW((void)completion(R"("suffix":"")"));
  expect_refused("suffix", "Gemma 2 only continues text",
                 [] { (void)completion(R"("suffix":"x")"); });
}

}  // namespace
}  // namespace gemma2::server::test
