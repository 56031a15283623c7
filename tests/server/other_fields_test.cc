// SPDX-License-Identifier: Apache-2.0
//
// Fields that would change the answer if anybody heeded them.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

struct Case {
  std::string name;
  std::string neutral;  // besides null; empty: none
  std::string active;
};

const std::vector<Case> kUnsupported = {
    {"typical_p", "1", "0.9"},
    {"typ_p", "1.0", "0.9"},
    {"tfs_z", "1", "0.5"},
    {"top_n_sigma", "-1", "1"},
    {"top_a", "0", "0.2"},
    {"mirostat", "0", "99"},
    {"dry_multiplier", "0", "-1"},
    {"xtc_probability", "0.0", "0.5"},
    {"dynatemp_range", "0", "0.5"},
    {"samplers", "", R"(["top_k"])"},
    {"min_keep", "0", "1"},
    {"penalize_nl", "false", "true"},
    {"cfg_scale", "1", "2"},
    {"negative_prompt", "\"\"", "\"x\""},
    {"use_beam_search", "false", "true"},
    {"bad_words", "[]", R"(["x"])"},
    {"allowed_token_ids", "", "[1]"},
    {"stop_token_ids", "[]", "[1]"},
    {"min_tokens", "0", "5"},
    {"include_stop_str_in_output", "false", "true"},
    {"skip_special_tokens", "true", "false"},
    {"truncate_prompt_tokens", "", "10"},
    {"n_discard", "0", "-1"},
    {"prompt_logprobs", "", "1"},
    {"post_sampling_probs", "false", "true"},
    {"t_max_prompt_ms", "-1", "5"},
    {"response_fields", "[]", R"(["content"])"},
    {"grammar", "\"\"", R"("root ::= \"a\"")"},
    {"guided_regex", "", "\"a+\""},
    {"guided_choice", "", R"(["a"])"},
    {"guided_grammar", "", R"("root ::= \"a\"")"},
    {"web_search_options", "", "{}"},
    {"prediction", "", R"({"type":"content"})"},
    {"modalities", R"(["text"])", R"(["text","audio"])"},
    {"audio", "", R"({"voice":"x"})"},
    {"image_data", "[]", R"([{"data":"x"}])"},
    {"chat_template", "", "\"{{ x }}\""},
    {"chat_template_kwargs", "{}", R"({"x":1})"},
    {"system_prompt", "\"\"", "\"x\""},
    {"id_slot", "-1", "999"},
    {"id_slot", "-1", "-7"},
    {"lora", "[]", R"([{"id":0,"scale":1}])"},
};

TEST(OtherFields, KnownOnesAreRefusedUnlessNeutral) {
  for (const Case& field : kUnsupported) {
    for (const Endpoint& endpoint : generating_endpoints()) {
      const auto parse = [&](const std::string& value) {
        endpoint.parse(fmt::format("\"{}\":{}", field.name, value));
      };
      SCOPED_TRACE(std::string(endpoint.name) + ": " + field.name);
      EXPECT_NO_THROW(parse("null"));
      EXPECT_NO_THROW(parse(field.neutral.empty() ? "null" : field.neutral));
      expect_refused(field.name, "is not supported here", [&] { parse(field.active); });
    }
  }
}

TEST(OtherFields, OnlyCompletionsLeaveBosOut) {
  EXPECT_FALSE(parse_completion_request(R"({"prompt":"x","add_special_tokens":false})", {})
                   .add_special_tokens);
  EXPECT_TRUE(parse_completion_request(R"({"prompt":"x"})", {}).add_special_tokens);
  expect_refused("add_special_tokens", "is not supported here", [] {
    static_cast<void>(parse_chat_request(
        R"({"messages":[{"role":"user","content":"x"}],"add_special_tokens":false})", {}));
  });
}

TEST(OtherFields, RefusalsHaveTheirCode) {
  try {
    (void)chat(R"("mirostat":2)");
    ADD_FAILURE() << "expected a refusal";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.code(), "unsupported_parameter");
    EXPECT_EQ(error.param(), "mirostat");
    EXPECT_STREQ(error.what(),
                 "mirostat: 2 is not supported here; use temperature, top_k, top_p or min_p");
  }
}

TEST(OtherFields, NeutralValuesHaveTheirType) {
  expect_refused("typical_p", "not supported", [] { (void)chat(R"("typical_p":"1")"); });
  expect_refused("mirostat", "not supported", [] { (void)chat(R"("mirostat":false)"); });
  expect_refused("lora", "not supported", [] { (void)chat(R"("lora":0)"); });
}

TEST(OtherFields, EndpointsDoNotTakeEachOthersFields) {
  expect_refused("prompt", "/v1/completions takes it", [] { (void)chat(R"("prompt":"x")"); });
  expect_refused("echo", "/v1/completions takes it", [] { (void)chat(R"("echo":true)"); });
  EXPECT_NO_THROW((void)chat(R"("echo":false)"));
  expect_refused("n_probs", "use logprobs", [] { (void)chat(R"("n_probs":3)"); });
  expect_refused("messages", "/v1/chat/completions takes it",
                 [] { (void)completion(R"("messages":[])"); });
  expect_refused("tools", "Gemma 2 has no tools", [] { (void)completion(R"("tools":[1])"); });
  expect_refused("top_logprobs", "/v1/chat/completions takes it",
                 [] { (void)completion(R"("top_logprobs":3)"); });
  expect_refused("n", "/v1/completions takes it", [] { (void)native(R"("n":2)"); });
  EXPECT_NO_THROW((void)native(R"("n":1,"best_of":1,"echo":false)"));
}

TEST(OtherFields, SomeAreAcceptedAndIgnored) {
  const std::string ignored =
      R"("user":"u","metadata":{"a":"b"},"store":true,"service_tier":"auto",
         "parallel_tool_calls":true,"reasoning_effort":"low","prompt_cache_key":"k",
         "safety_identifier":"s","verbosity":"low","mirostat_tau":5,"mirostat_eta":0.1,
         "dry_base":1.75,"dry_allowed_length":2,"xtc_threshold":0.1,"dynatemp_exponent":1,
         "n_keep":5,"speculative.n_max":16)";
  for (const Endpoint& endpoint : generating_endpoints()) {
    EXPECT_NO_THROW(endpoint.parse(ignored)) << endpoint.name;
  }
  RequestDefaults strict;
  strict.strict = true;
  EXPECT_NO_THROW((void)chat(ignored, strict));
}

TEST(OtherFields, UnknownOnesAreErrorsForStrictServers) {
  RequestDefaults strict;
  strict.strict = true;
  EXPECT_NO_THROW((void)chat(R"("temprature":1)"));
  expect_refused("temprature", "expected a field that is known here",
                 [&] { (void)chat(R"("temprature":1)", strict); });
  expect_refused("temprature", "expected a field",
                 [&] { (void)completion(R"("temprature":null)", strict); });
  const std::string long_name(1000, 'x');
  expect_refused(std::string(80, 'x') + "...", "expected a field",
                 [&] { (void)native("\"" + long_name + "\":1", strict); });
  const std::string all = R"("model":"m","temperature":1,"top_p":1,"n":1,"stream":true,"stop":null,
    "stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":1,"seed":1,
    "presence_penalty":0,"frequency_penalty":0,"logit_bias":{},"response_format":{"type":"text"})";
  EXPECT_NO_THROW((void)chat(all, strict));
}

}  // namespace
}  // namespace gemma2::server::test
