// SPDX-License-Identifier: Apache-2.0
//
// Every field of every endpoint: below its range, at both ends, above it, every wrong type, null.
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

using Values = std::vector<std::string>;

/// What no field of a kind takes.
const Values kNoNumber = {"\"x\"", "\"5\"", "true", "[]", "[1]", "{}", "1e308", "-1e308"};
const Values kNoInteger = {"\"x\"",
                           "\"5\"",
                           "true",
                           "[]",
                           "[1]",
                           "{}",
                           "1e308",
                           "0.5",
                           "-1e308",
                           "1e18",
                           "9223372036854775808",
                           "18446744073709551616"};
const Values kNoBoolean = {"0", "1", "\"true\"", "[]", "{}", "1e308"};
const Values kNothing = {};
const Values kNoText = {"0", "1.5", "true", "[]", "{}", "[\"x\"]"};

struct Field {
  std::string name;
  std::string endpoints;  // c: chat, p: completions, n: native
  Values good;
  Values bad;
  const Values* wrong_types;  // lives as long as the program
};

const std::vector<Field> kFields = {
    {"temperature", "cp", {"0", "0.0", "1", "2", "2.0", "1e-300"}, {"-0.1", "2.1"}, &kNoNumber},
    {"temperature", "n", {"0", "2.1", "100"}, {"-0.1", "100.1"}, &kNoNumber},
    {"top_p", "cpn", {"0", "1", "0.5", "1e-300"}, {"-0.1", "1.1", "-1"}, &kNoNumber},
    {"min_p", "cpn", {"0", "1", "0.05"}, {"-0.1", "1.1", "5"}, &kNoNumber},
    {"presence_penalty", "cpn", {"-2", "2", "0"}, {"-2.1", "2.1"}, &kNoNumber},
    {"frequency_penalty", "cpn", {"-2", "2", "0.5"}, {"-2.1", "2.1"}, &kNoNumber},
    {"repeat_penalty", "cpn", {"0.01", "1", "1.1", "100"}, {"0", "-1", "101", "1e-9"}, &kNoNumber},
    {"repetition_penalty", "cpn", {"0.01", "100"}, {"0", "100.5"}, &kNoNumber},
    {"max_time", "cpn", {"0.001", "1", "86400"}, {"0", "-1", "86401"}, &kNoNumber},
    {"top_k",
     "cpn",
     {"-1", "0", "1", "40", "5.0", "2147483647"},
     {"-2", "2147483648"},
     &kNoInteger},
    {"max_tokens", "cpn", {"-1", "0", "1", "2147483647"}, {"-2", "2147483648"}, &kNoInteger},
    {"max_completion_tokens", "cpn", {"-1", "2147483647"}, {"-2", "2147483648"}, &kNoInteger},
    {"n_predict", "cpn", {"-1", "0", "2147483647"}, {"-2", "2147483648"}, &kNoInteger},
    {"max_new_tokens", "cpn", {"-1", "8"}, {"-2", "2147483648"}, &kNoInteger},
    {"repeat_last_n", "cpn", {"-1", "0", "64", "2147483647"}, {"-2", "-9"}, &kNoInteger},
    {"t_max_predict_ms", "cpn", {"-1", "0", "86400000"}, {"-2", "86400001"}, &kNoInteger},
    {"n", "cp", {"1", "64", "2.0"}, {"0", "-1", "65"}, &kNoInteger},
    {"best_of", "cp", {"1", "64"}, {"0", "65"}, &kNoInteger},
    {"logprobs", "p", {"0", "1", "5", "20"}, {"-1", "21", "1e9", "false"}, &kNoInteger},
    {"n_probs", "pn", {"0", "20"}, {"-1", "21", "1e9", "1000000000"}, &kNoInteger},
    {"seed",
     "cpn",
     {"-1", "0", "7", "-9223372036854775808", "18446744073709551615", "5.0", "1e15"},
     {"1e18", "18446744073709551616", "-9223372036854775809", "0.5", "1e308"},
     &kNoNumber},
    {"stream", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"ignore_eos", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"cache_prompt", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"return_tokens", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"return_token_ids", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"timings_per_token", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"return_progress", "cpn", {"true", "false"}, {}, &kNoBoolean},
    {"logprobs", "c", {"true", "false"}, {"5"}, &kNoBoolean},
    {"add_generation_prompt", "c", {"true", "false"}, {}, &kNoBoolean},
    {"continue_final_message", "c", {"false"}, {"true"}, &kNoBoolean},
    {"echo", "p", {"true", "false"}, {}, &kNoBoolean},
    {"model", "cpn", {"\"\"", "\"gpt-3.5-turbo\""}, {}, &kNoText},
    {"cache_salt", "cpn", {"\"\"", "\"pepper\""}, {}, &kNoText},
    {"top_logprobs", "c", {"0"}, {"-1", "21", "1", "20"}, &kNoInteger},
    {"stop",
     "cpn",
     {"\"x\"", "[]", "[\"a\",\"b\"]"},
     {"\"\"", "[\"\"]", "[1]", "[null]"},
     &kNothing},
    {"logit_bias",
     "cpn",
     {"{}", "[]", R"({"5":-100,"6":100})", R"({"2147483647":1})", R"({"0":false})", "[[5,1.5]]",
      "[[5,false]]"},
     {R"({"5":100.5})",
      R"({"5":-101})",
      R"({"-1":1})",
      R"({"2147483648":1})",
      R"({"x":1})",
      R"({"":1})",
      R"({"05":1})",
      R"({"5 ":1})",
      R"({"1e3":1})",
      R"({"5":"1"})",
      R"({"5":true})",
      R"({"5":null})",
      "5",
      "\"x\"",
      "true",
      "[5]",
      "[[5]]",
      "[[5,1,1]]",
      "[[-1,1]]",
      "[[1000000000000,1]]",
      "[[5,true]]",
      "[[\"text\",1]]"},
     &kNothing},
};

/// The endpoints that a field has, by their letters.
std::vector<const Endpoint*> endpoints_of(const Field& field) {
  std::vector<const Endpoint*> endpoints;
  for (const char letter : field.endpoints) {
    const std::size_t at = letter == 'c' ? 0 : letter == 'p' ? 1 : 2;
    endpoints.push_back(&generating_endpoints()[at]);
  }
  return endpoints;
}

std::string member(const Field& field, const std::string& value) {
  return fmt::format("\"{}\":{}", field.name, value);
}

TEST(FieldRanges, ValuesInRangeAreTaken) {
  for (const Field& field : kFields) {
    for (const Endpoint* endpoint : endpoints_of(field)) {
      for (const std::string& value : field.good) {
        EXPECT_NO_THROW(endpoint->parse(member(field, value)))
            << endpoint->name << ": " << member(field, value);
      }
    }
  }
}

TEST(FieldRanges, NullIsAbsence) {
  for (const Field& field : kFields) {
    for (const Endpoint* endpoint : endpoints_of(field)) {
      EXPECT_NO_THROW(endpoint->parse(member(field, "null"))) << endpoint->name << field.name;
    }
  }
}

/// Refusals are about the field or a part of it: "logit_bias[0]".
void expect_field_refused(const Endpoint& endpoint, const Field& field, const std::string& value) {
  SCOPED_TRACE(std::string(endpoint.name) + ": " + member(field, value));
  try {
    endpoint.parse(member(field, value));
    ADD_FAILURE() << "expected a refusal";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_TRUE(error.param().starts_with(field.name)) << error.param();
    EXPECT_TRUE(std::string_view(error.what()).starts_with(error.param() + ": ")) << error.what();
  }
}

TEST(FieldRanges, EverythingElseIsRefusedByName) {
  int cases = 0;
  for (const Field& field : kFields) {
    for (const Endpoint* endpoint : endpoints_of(field)) {
      for (const Values* values : {&field.bad, field.wrong_types}) {
        for (const std::string& value : *values) {
          expect_field_refused(*endpoint, field, value);
          ++cases;
        }
      }
    }
  }
  EXPECT_GE(cases, 600);
}

TEST(FieldRanges, MessagesSayWhatWasExpectedAndFound) {
  expect_refused("temperature", "temperature: expected a number from 0 to 2, found 2.5",
                 [] { (void)chat(R"("temperature":2.5)"); });
  expect_refused("top_k", "top_k: expected an integer from -1 to 2147483647, found 0.5",
                 [] { (void)chat(R"("top_k":0.5)"); });
  expect_refused("stream", "stream: expected true or false, found the string \"yes\"",
                 [] { (void)chat(R"("stream":"yes")"); });
  expect_refused("model", "model: expected a string, found an array",
                 [] { (void)chat(R"("model":[1,2])"); });
}

TEST(FieldRanges, ForeignTextIsCutAndEscapedInMessages) {
  const std::string long_text(1000, 'x');
  expect_refused("stream", "found a string",
                 [&] { (void)chat("\"stream\":\"" + long_text + '"'); });
  expect_refused("stream", R"(found the string "\x1b[2J")",
                 [] { (void)chat(R"("stream":"\u001b[2J")"); });
}

}  // namespace
}  // namespace gemma2::server::test
