// SPDX-License-Identifier: Apache-2.0
//
// Keyword by keyword: which texts a schema lets through, and which schemas are refused.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/grammar_vocabulary.h"
#include "support/expect_error.h"

namespace gemma2 {
namespace {

using test::accepts;
using test::expect_error;

struct Case {
  const char* schema;
  std::vector<const char*> good;
  std::vector<const char*> bad;
};

void check(const std::vector<Case>& cases) {
  const Tokenizer tokenizer = test::json_tokenizer();
  for (const Case& one : cases) {
    const Grammar grammar = Grammar::json_schema(one.schema);
    for (const char* text : one.good) {
      EXPECT_TRUE(accepts(grammar, tokenizer, text)) << one.schema << " " << text;
    }
    for (const char* text : one.bad) {
      EXPECT_FALSE(accepts(grammar, tokenizer, text)) << one.schema << " " << text;
    }
  }
}

TEST(JsonSchema, Types) {
  check({{R"({"type":"null"})", {"null"}, {"nul", "true", " null", "null "}},
         {R"({"type":"boolean"})", {"true", "false"}, {"null", "1", "True"}},
         {R"({"type":["null","boolean","integer"]})", {"null", "true", "-7"}, {"\"a\"", "1.5"}},
         {R"({"type":["integer","number"]})", {"1", "1.5"}, {"\"a\""}},
         {"true", {"null", "[1, {}]", "\"x\"", "{\"a\": [true]}"}, {"", "x", "[1,]"}},
         {"{}", {"null", "{}", "-0.5e-10"}, {"[", "{\"a\"}"}},
         {R"({"title":"t","description":"d","default":1,"examples":[1],"$comment":"c","$id":"i",
              "$schema":"s","deprecated":true,"readOnly":true,"writeOnly":false,"type":"null"})",
          {"null"},
          {"1"}}});
}

TEST(JsonSchema, Numbers) {
  check({{R"({"type":"number"})",
          {"0", "-0", "10", "1.5", "-0.25", "1e5", "1E+05", "2.5e-10", "999999999999999"},
          {"01", ".5", "1.", "+1", "1e", "1e100", "1000000000000000", "-", "--1", "0x1"}},
         {R"({"type":"integer"})",
          {"0", "-1", "10", "999999999999999999", "-999999999999999999"},
          {"-0", "01", "1.0", "1e2", "1000000000000000000"}},
         {R"({"type":"integer","minimum":3,"maximum":120})",
          {"3", "9", "10", "99", "100", "119", "120"},
          {"2", "0", "121", "130", "200", "1000", "-5", "03"}},
         {R"({"type":"integer","minimum":-15,"maximum":7})",
          {"-15", "-14", "-9", "-1", "0", "7"},
          {"-16", "-20", "8", "10", "-100"}},
         {R"({"type":"integer","minimum":-120,"maximum":-15})",
          {"-120", "-15", "-99"},
          {"-14", "-121", "-9", "0", "15"}},
         {R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10.5})",
          {"1", "10"},
          {"0", "11"}},
         {R"({"minimum":0.5,"maximum":2.0})", {"1", "2"}, {"0", "3"}},
         {R"({"type":"integer","exclusiveMaximum":2.0})", {"1", "-5"}, {"2"}},
         {R"({"type":"integer","minimum":1000})",
          {"1000", "1001", "99999", "2000"},
          {"999", "0", "-1000"}},
         {R"({"type":"integer","minimum":1e30,"maximum":1e31,"type":["null","integer"]})",
          {"null"},
          {"1"}}});
}

TEST(JsonSchema, EveryIntegerOfARange) {
  const Tokenizer tokenizer = test::json_tokenizer();
  std::mt19937 random(5);
  for (int i = 0; i < 40; ++i) {
    const int low = static_cast<int>(random() % 1400) - 700;
    const int high = low + static_cast<int>(random() % 500);
    const Grammar grammar = Grammar::json_schema(
        fmt::format(R"({{"type":"integer","minimum":{},"maximum":{}}})", low, high));
    for (int value = low - 150; value <= high + 150; value += 1 + static_cast<int>(random() % 3)) {
      EXPECT_EQ(accepts(grammar, tokenizer, std::to_string(value)), value >= low && value <= high)
          << value << " in " << low << " .. " << high;
    }
  }
}

TEST(JsonSchema, Strings) {
  check({{R"({"type":"string"})",
          {R"("")", R"("a b")", R"("\n\"\\\/\u00e9")", R"("\ud83d\uDE00")",
           "\"\u00e9\u4e16\U0001F600\"", "\"\x7f\""},
          {"\"", "a", R"("\x")", R"("\u12g4")", R"("\ud83d")", R"("\ud83dx")", R"("\ude00")",
           R"("\ud83d\u0041")", "\"\n\"", "\"\t\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
           "\"\xf4\x90\x80\x80\"", "\"\xe0\x80\x80\"", "\"\xf0\x80\x80\x80\"", "\"\xff\""}},
         {R"({"type":"string","minLength":2,"maxLength":3})",
          {R"("ab")", R"("abc")", R"("\n\u0041\ud83d\ude00")", "\"\u00e9\U0001F600\""},
          {R"("")", R"("a")", R"("abcd")", "\"\u00e9\""}},
         {R"({"minLength":1})", {R"("a")", R"("abcdef")"}, {R"("")", "1"}},
         {R"({"maxLength":0})", {R"("")"}, {R"("a")"}}});
}

TEST(JsonSchema, Enumerations) {
  check({{R"({"enum":["red","redder",1,null,[1,"a"],{"k":2.5},"\u0001\"é"]})",
          {R"("red")", R"("redder")", "1", "null", R"([1,"a"])", R"({"k":2.5})", R"("\u0001\"é")"},
          {R"("re")", R"("redd")", "2", "[1]", R"("")"}},
         {R"({"type":"string","enum":["a",1]})", {R"("a")"}, {"1"}},
         {R"({"const":"x"})", {R"("x")"}, {R"("y")", "null"}},
         {R"({"type":"integer","const":7})", {"7"}, {"8"}}});
}

TEST(JsonSchema, Combinations) {
  check({{R"({"anyOf":[{"type":"string"},{"type":"integer","minimum":5},{"type":"integer"}]})",
          {R"("a")", "3", "77"},
          {"null", "1.5"}},
         {R"({"oneOf":[{"type":"string"},{"type":"null"}]})", {R"("a")", "null"}, {"1"}},
         {R"({"oneOf":[{"const":1},{"enum":["a",2]}]})", {"1", R"("a")", "2"}, {"3"}},
         {R"({"oneOf":[{"$ref":"#/$defs/a"},{"type":"array"}],"$defs":{"a":{"type":"null"}}})",
          {"null", "[]"},
          {"1"}},
         {R"({"allOf":[{"type":"null"}]})", {"null"}, {"1"}},
         {R"({"$ref":"#/$defs/a~1b~0c","$defs":{"a/b~c":{"type":"boolean"}}})", {"true"}, {"1"}},
         {R"({"anyOf":[false,{"type":"null"}]})", {"null"}, {"1"}}});
}

TEST(JsonSchema, Objects) {
  check({{R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"},
              "c":true},"required":["b"]})",
          {R"({"a":1,"b":null,"c":[]})", R"({"b":null})", R"({"a": 1, "b": null})",
           "{\n  \"b\": null\n}", R"({ "b":null, "c":1 })"},
          {"{}", R"({"a":1})", R"({"b":null,"a":1})", R"({"b":null,"d":1})", R"({"b":null,})",
           R"({"b" :null})", R"({"b":  null})", R"({"b":null ,"c":1})", R"({"b":null)",
           R"({"b":null,"b":null})", "{\t\"b\":null}", "{\n\n\"b\":null}", "{\"b\":\nnull}"}},
         {R"({"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"null"}})",
          {"{}", R"({"a":1})", R"({"a":1,"b":null})", R"({"ab":null,"":null})", R"({"b\n":null})"},
          {R"({"a":null})", R"({"a":1,"a":null})", R"({"b":1})", R"({"\u0061":null})",
           R"({"b":null,"a":1})"}},
         {R"({"properties":{"é":true,"ab":true},"additionalProperties":true})",
          {R"({"a":1,"abc":2})", R"({"x\u0061":1})", "{\"\u4e16\":1}", "{\"\u00e9x\":1}"},
          {R"({"ab":1,"ab":2})", "{\"\u00e9\":1,\"\u00e9\":2}", R"({"\u00e9":1})"}},
         {R"({"type":"object"})", {"{}", R"({"a":{"b":[1]},"c":"d"})"}, {"[]", R"({"a"})"}},
         {R"({"type":"object","properties":{}})", {"{}", "{ }"}, {R"({"a":1})"}},
         {R"({"type":"object","required":["x"]})", {R"({"x":1})", R"({"x":1,"y":2})"}, {"{}"}},
         {R"({"properties":{"a":false,"b":{"type":"null"}}})",
          {"{}", R"({"b":null})"},
          {R"({"a":1})", R"({"a")"}},
         {R"({"properties":{"\"\\\n":{"type":"null"}},"additionalProperties":true})",
          {"{\"\\\"\\\\\\u000a\":null}"},
          {}}});
}

TEST(JsonSchema, Arrays) {
  check({{R"({"type":"array","items":{"type":"integer"}})",
          {"[]", "[1]", "[1, 2,3]", "[\n 1\n]"},
          {"[1,]", "[,1]", "[null]", "[1 2]", "[1"}},
         {R"({"items":{"type":"null"},"minItems":1,"maxItems":2})",
          {"[null]", "[null,null]"},
          {"[]", "[null,null,null]"}},
         {R"({"items":{"type":"null"},"minItems":2})",
          {"[null,null]", "[null,null,null,null]"},
          {"[]", "[null]"}},
         {R"({"prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"}})",
          {"[]", "[1]", R"([1,"a"])", R"([1,"a",null,null])"},
          {R"(["a"])", R"([1,"a",1])"}},
         {R"({"prefixItems":[{"type":"integer"}],"items":false})", {"[]", "[1]"}, {"[1,2]"}},
         {R"({"maxItems":0})", {"[]", "[ ]"}, {"[1]"}},
         {R"({"items":false})", {"[]"}, {"[1]"}},
         {R"({"uniqueItems":false,"items":true})", {"[1,1]"}, {"1"}}});
}

TEST(JsonSchema, Recursion) {
  const char* list = R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","required":["v"],
    "properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}}})";
  check({{list, {R"({"v":1})", R"({"v":1,"next":{"v":2,"next":null}})"}, {R"({"next":null})"}},
         {R"({"items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[1]"}},
         {R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", {"null"}, {"1"}}});
}

TEST(JsonSchema, RefusesWhatItDoesNotUnderstandAndSaysWhere) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"type":"string","pattern":"^a$"})", "\"/pattern\""},
      {R"({"type":"string","format":"date"})", "\"/format\""},
      {R"({"type":"number","minimum":0})", "\"/minimum\""},
      {R"({"type":["integer","number"],"minimum":0})", "\"/minimum\""},
      {R"({"type":"integer","multipleOf":2})", "\"/multipleOf\""},
      {R"({"properties":{"a/b":{"items":{"uniqueItems":true}}}})",
       "\"/properties/a~1b/items/uniqueItems\""},
      {R"({"properties":{"a":{"not":{}}}})", "\"/properties/a/not\""},
      {R"({"if":{},"then":{}})", "\"/if\""},
      {R"({"patternProperties":{}})", "\"/patternProperties\""},
      {R"({"minProperties":1})", "\"/minProperties\""},
      {R"({"items":[{}]})", "\"/items\""},
      {R"({"type":"string","nullable":true})", "\"/nullable\""},
      {R"({"properties":{"a":{"$id":"x"}}})", "\"/properties/a/$id\""},
      {R"({"type":"string","anyOf":[{}]})", "\"/type\""},
      {R"({"enum":[1],"const":1})", "\"/const\""},
      {R"({"const":1,"minLength":1})", "\"/minLength\""},
      {R"({"$ref":"#","minLength":1})", "\"/minLength\""},
      {R"({"type":"null","minLength":1})", "\"/minLength\""},
      {R"({"allOf":[{},{}]})", "\"/allOf\""},
      {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", "\"/oneOf/1\""},
      {R"({"oneOf":[{"const":1},{"const":1.0}]})", "\"/oneOf/1\""},
      {R"({"oneOf":[{"const":1},{"type":"integer"}]})", "\"/oneOf/1\""},
      {R"({"oneOf":[{"minLength":1},{"type":"null"}]})", "\"/oneOf/1\""},
      {R"({"oneOf":[{"enum":[[1]]},{"enum":[[1.0]]}]})", "\"/oneOf/1\""},
      {R"({"$ref":"http://example.com/a"})", "\"/$ref\""},
      {R"({"$ref":"#anchor"})", "\"/$ref\""},
      {R"({"$ref":"#/%24defs/a"})", "\"/$ref\""},
      {R"({"minLength":1001})", "\"/minLength\""},
      {R"({"maxItems":1001})", "\"/maxItems\""}};
  for (const auto& [schema, pointer] : cases) {
    expect_error(ErrorCode::unsupported, pointer, [&] { (void)Grammar::json_schema(schema); });
  }
}

TEST(JsonSchema, RejectsWhatIsNoSchema) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"", "expected JSON"},
      {"{", "expected JSON"},
      {"{} x", "expected JSON"},
      {"\"\xff\"", "expected JSON"},
      {"5", "a schema"},
      {"[]", "a schema"},
      {"null", "a schema"},
      {R"({"type":"text"})", "\"/type\""},
      {R"({"type":5})", "\"/type\""},
      {R"({"type":[]})", "\"/type\""},
      {R"({"type":["null",1]})", "\"/type/1\""},
      {R"({"enum":[]})", "\"/enum\""},
      {R"({"enum":1})", "\"/enum\""},
      {R"({"anyOf":[]})", "\"/anyOf\""},
      {R"({"anyOf":[1]})", "\"/anyOf/0\""},
      {R"({"properties":[]})", "\"/properties\""},
      {R"({"required":{}})", "\"/required\""},
      {R"({"required":[1]})", "\"/required/0\""},
      {R"({"$defs":1})", "\"/$defs\""},
      {R"({"additionalProperties":false,"required":["a"]})", "\"/required/0\""},
      {R"({"additionalProperties":1})", "\"/additionalProperties\""},
      {R"({"minLength":-1})", "\"/minLength\""},
      {R"({"minLength":"a"})", "\"/minLength\""},
      {R"({"minLength":1.5})", "\"/minLength\""},
      {R"({"minimum":"a"})", "\"/minimum\""},
      {R"({"uniqueItems":1})", "\"/uniqueItems\""},
      {R"({"$ref":1})", "\"/$ref\""},
      {R"({"$ref":"#/nowhere"})", "\"/$ref\""},
      {R"({"$ref":"#/~x"})", "\"/$ref\""}};
  for (const auto& [schema, part] : cases) {
    expect_error(ErrorCode::invalid_argument, part, [&] { (void)Grammar::json_schema(schema); });
  }
}

TEST(JsonSchema, RejectsWhatNoTextSatisfies) {
  for (const char* schema :
       {"false", R"({"$ref":"#"})", R"({"anyOf":[{"$ref":"#"}]})", R"({"type":"string","const":1})",
        R"({"type":"integer","minimum":5,"maximum":4})", R"({"minItems":2,"maxItems":1})",
        R"({"minLength":2,"maxLength":1})", R"({"properties":{"a":{"$ref":"#"}},"required":["a"]})",
        R"({"items":false,"minItems":1})", R"({"properties":{"a":false},"required":["a"]})"}) {
    expect_error(ErrorCode::invalid_argument, "some text satisfies",
                 [&] { (void)Grammar::json_schema(schema); });
  }
}

TEST(JsonSchema, HasLimits) {
  const auto refused = [](const std::string& schema, const char* part) {
    expect_error(ErrorCode::unsupported, part, [&] { (void)Grammar::json_schema(schema); });
  };
  std::string deep;
  for (int i = 0; i < 20000; ++i) deep += R"({"items":)";
  refused(deep, "deep");
  refused(std::string(300000, ' ') + "{}", "bytes");
  std::string many = "0";
  for (int i = 1; i <= 1000; ++i) many += "," + std::to_string(i);
  refused(R"({"enum":[)" + many + "]}", "\"/enum\"");
  std::string properties;
  for (int i = 0; i < 1001; ++i) properties += fmt::format("\"{}\":true,", i);
  refused(R"({"properties":{)" + properties + R"("x":true}})", "1000 properties");
  std::string strings;
  for (int i = 0; i < 20; ++i) strings += fmt::format(R"({{"minLength":1000,"title":"{}"}},)", i);
  refused(R"({"anyOf":[)" + strings + "{}]}", "10000 states");
  // A chain of references as long as a schema can be, and one value in more arrays than are
  // allowed.
  std::string chain;
  for (int i = 0; i < 5000; ++i) chain += fmt::format(R"("{}":{{"$ref":"#/$defs/{}"}},)", i, i + 1);
  const Grammar grammar =
      Grammar::json_schema(R"({"$ref":"#/$defs/0","$defs":{)" + chain + R"("5000":{}}})");
  const Tokenizer tokenizer = test::json_tokenizer();
  EXPECT_TRUE(accepts(grammar, tokenizer, std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(accepts(grammar, tokenizer, std::string(65, '[') + std::string(65, ']')));
}

/// One to four changes: a byte replaced, a run removed or doubled, a part of the text inserted.
std::string mutate(std::string text, std::mt19937& random) {
  for (unsigned changes = 1 + random() % 4; changes > 0 && !text.empty(); --changes) {
    const std::size_t at = random() % text.size();
    const std::size_t length = std::min<std::size_t>(1 + random() % 16, text.size() - at);
    switch (random() % 4) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      default:
        text.insert(random() % text.size(), text.substr(at, length));
        break;
    }
  }
  return text;
}

TEST(JsonSchema, DamagedSchemasDoNoHarm) {
  const Tokenizer tokenizer = test::json_tokenizer();
  std::mt19937 random(20240627);
  int compiled = 0;
  for (const std::string seed :
       {R"({"type":"object","properties":{"a":{"type":"integer","minimum":-5,"maximum":99},"b":
            {"type":"array","items":{"$ref":"#"},"maxItems":3}},"required":["a"]})",
        R"({"anyOf":[{"const":"x"},{"enum":[1,2.5,null,{"a":[]}]},{"type":["string","null"],
            "minLength":1,"maxLength":4}],"$defs":{"x":{"oneOf":[{"type":"null"},{"const":1}]}}})",
        R"({"$ref":"#/$defs/n","$defs":{"n":{"properties":{"next":{"$ref":"#/$defs/n"}},
            "additionalProperties":{"prefixItems":[true,{"allOf":[{"type":"number"}]}]}}}})"}) {
    for (int i = 0; i < 3000; ++i) {
      try {
        GrammarState state(Grammar::json_schema(mutate(seed, random)), tokenizer);
        (void)test::feed(state, tokenizer, R"({"a":1,"b":[]})");
        ++compiled;
      } catch (const Error&) {
      }
    }
  }
  EXPECT_GT(compiled, 50);
}

}  // namespace
}  // namespace gemma2
