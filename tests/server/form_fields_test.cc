// SPDX-License-Identifier: Apache-2.0
//
// response_format and its like: a form that is held to, or a refusal.
#include <string>

#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

constexpr const char* kSchema = R"({"type":"object","properties":{"a":{"type":"integer"}}})";

std::string format_of(const std::string& schema) {
  return R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":)" +
         schema + "}}";
}

bool has_grammar(const std::string& more) {
  const bool chat_has = chat(more).options.grammar.has_value();
  EXPECT_EQ(completion(more).options.grammar.has_value(), chat_has);
  EXPECT_EQ(native(more).options.grammar.has_value(), chat_has);
  return chat_has;
}

TEST(FormFields, EveryWayToAskForOneIsHeard) {
  const std::string schema = kSchema;
  EXPECT_TRUE(has_grammar(R"("response_format":{"type":"json_object"})"));
  EXPECT_TRUE(has_grammar(format_of(schema)));
  EXPECT_TRUE(has_grammar(R"("response_format":{"type":"json_object","schema":)" + schema + "}"));
  EXPECT_TRUE(has_grammar("\"json_schema\":" + schema));
  EXPECT_TRUE(has_grammar("\"guided_json\":" + schema));
  EXPECT_TRUE(has_grammar(R"("guided_json":"{\"type\":\"integer\"}")"));
  EXPECT_TRUE(has_grammar("\"structured_outputs\":{\"json\":" + schema + "}"));
  EXPECT_TRUE(has_grammar(R"("structured_outputs":{"json_object":true,"regex":null})"));
}

TEST(FormFields, TextIsNoForm) {
  EXPECT_FALSE(has_grammar(R"("response_format":{"type":"text"})"));
  EXPECT_FALSE(has_grammar(R"("response_format":null,"json_schema":null)"));
  EXPECT_FALSE(has_grammar(R"("structured_outputs":{"json_object":false})"));
}

TEST(FormFields, FormatsAreChecked) {
  for (const char* format : {"5", "\"json_object\"", "[]", "true"}) {
    expect_refused("response_format", "expected an object",
                   [&] { (void)chat(R"("response_format":)" + std::string(format)); });
  }
  for (const char* type :
       {"\"xml\"", "\"grammar\"", "\"structural_tag\"", "\"JSON_OBJECT\"", "5"}) {
    expect_refused("response_format.type", "expected ",
                   [&] { (void)chat(R"("response_format":{"type":)" + std::string(type) + "}"); });
  }
  expect_refused("response_format.type", "expected \"text\", \"json_object\" or \"json_schema\"",
                 [] { (void)chat(R"("response_format":{})"); });
  expect_refused("response_format.json_schema", "expected an object with a schema",
                 [] { (void)chat(R"("response_format":{"type":"json_schema"})"); });
  expect_refused("response_format.json_schema", "expected an object, found 5",
                 [] { (void)chat(R"("response_format":{"type":"json_schema","json_schema":5})"); });
  expect_refused("response_format.json_schema.schema", "expected a JSON schema, found none", [] {
    (void)chat(R"("response_format":{"type":"json_schema","json_schema":{"name":"x"}})");
  });
  expect_refused("response_format.json_schema.strict", "expected true or false", [] {
    (void)chat(
        R"("response_format":{"type":"json_schema","json_schema":{"strict":1,"schema":{}}})");
  });
}

TEST(FormFields, SchemasThatCanNotBeHeldToAreRefused) {
  const std::string path = "response_format.json_schema.schema";
  expect_refused(path, "/properties/a/pattern", [] {
    (void)chat(
        format_of(R"({"type":"object","properties":{"a":{"type":"string","pattern":"^x"}}})"));
  });
  expect_refused(path, "schema", [] { (void)chat(format_of(R"({"$ref":"#/nope"})")); });
  expect_refused(path, "expected", [] { (void)chat(format_of("5")); });
  expect_refused("json_schema", "expected", [] { (void)native(R"("json_schema":5)"); });
  expect_refused("guided_json", "expected JSON",
                 [] { (void)chat(R"("guided_json":"{not json")"); });
  expect_refused("json_schema", "minLength",
                 [] { (void)native(R"("json_schema":{"type":"string","minLength":1e9})"); });
}

TEST(FormFields, UnsupportedKeywordsHaveTheirCode) {
  try {
    (void)chat(format_of(R"({"type":"string","pattern":"(?<=x)*"})"));
    ADD_FAILURE() << "expected a refusal";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.code(), "unsupported_parameter");
    EXPECT_EQ(error.param(), "response_format.json_schema.schema");
  }
}

TEST(FormFields, DeepSchemasAreDeepBodies) {
  std::string schema;
  for (int i = 0; i < 20'000; ++i) schema += R"({"items":)";
  expect_refused("", "brackets at most 32 deep",
                 [&] { (void)native("\"json_schema\":" + schema); });
}

TEST(FormFields, MessagesDoNotRepeatTheSchema) {
  const std::string name(100'000, 'n');
  try {
    (void)chat(format_of(R"({"type":"object","properties":{")" + name + R"(":{"pattern":"x"}}})"));
    ADD_FAILURE() << "expected a refusal";
  } catch (const ApiError& error) {
    EXPECT_LT(std::string(error.what()).size(), 1000U);
  }
}

TEST(FormFields, AnAnswerHasOneForm) {
  const std::string object = R"("response_format":{"type":"json_object"})";
  expect_refused("json_schema", "expected one form for the answer, found response_format as well",
                 [&] { (void)chat(object + R"(,"json_schema":{"type":"integer"})"); });
  expect_refused("structured_outputs.json_object", "found structured_outputs.json as well", [] {
    (void)chat(R"("structured_outputs":{"json":{"type":"integer"},"json_object":true})");
  });
  expect_refused("ignore_eos", "expected false beside response_format",
                 [&] { (void)chat(object + R"(,"ignore_eos":true)"); });
}

TEST(FormFields, OtherStructuredOutputsAreRefused) {
  for (const char* kind : {"regex", "choice", "grammar", "structural_tag"}) {
    expect_refused("structured_outputs." + std::string(kind), "use structured_outputs.json", [&] {
      (void)chat(R"("structured_outputs":{")" + std::string(kind) + R"(":"x"})");
    });
  }
}

}  // namespace
}  // namespace gemma2::server::test
