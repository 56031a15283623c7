// SPDX-License-Identifier: Apache-2.0
//
// Bodies that were made to hurt: none takes more than its length in time, none reaches the parsers
// of fields.
#include <chrono>
#include <string>

#include "json_value.h"
#include "server/request_bodies.h"

namespace gemma2::server::test {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// All endpoints with a body refuse `body` as a whole.
void expect_no_json(const std::string& body, const std::string& part,
                    const std::string& param = {}) {
  SCOPED_TRACE(body.substr(0, 60));
  expect_refused(param, part, [&] { (void)parse_chat_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_completion_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_native_completion_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_embedding_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_tokenize_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_detokenize_request(body, {}); });
  expect_refused(param, part, [&] { (void)parse_template_request(body, {}); });
}

TEST(HostileJson, NestingHasALimit) {
  EXPECT_NO_THROW((void)parse_json(repeat("[", 32) + repeat("]", 32)));
  expect_no_json(repeat("[", 33) + repeat("]", 33), "expected brackets at most 32 deep");
  expect_no_json(repeat("[", 200'000), "expected brackets at most 32 deep");
  expect_no_json(repeat("[", 200'000) + repeat("]", 200'000), "at most 32 deep");
  expect_no_json(repeat("{\"a\":", 200'000),
                 "expected brackets at most 32 deep, found more at "
                 "\"a.a.a.");
  expect_no_json("{\"prompt\":" + repeat("[{\"a\":", 100'000), "at most 32 deep");
}

TEST(HostileJson, WhatIsNoJsonIsRefusedWithItsPlace) {
  expect_no_json("", "expected a JSON object, found nothing");
  expect_no_json(" \n\t\r ", "expected a JSON object, found nothing");
  for (const char* body : {"{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":01}",
                           "{\"a\":+1}",
                           "{\"a\":.5}",
                           "{\"a\":1.}",
                           "{\"a\":NaN}",
                           "{\"a\":Infinity}",
                           "{\"a\":-Infinity}",
                           "{\"a\":tru}",
                           "{\"a\":\"x",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12\"}",
                           "[1,]",
                           "// comment\n{}",
                           "{/* comment */}",
                           "{}}",
                           "{} {}",
                           "{}x",
                           "undefined",
                           "prompt=Hi",
                           "<html>",
                           "\xEF\xBB",
                           "\x1F\x8B\x08"}) {
    expect_no_json(body, "the body: expected JSON, found at byte");
  }
}

TEST(HostileJson, NulEndsNothing) {
  expect_no_json(std::string("{}\0", 3), "found a NUL at byte 2");
  expect_no_json(std::string("{\"prompt\":\"a\"}\0garbage", 21), "found a NUL at byte 14");
  expect_no_json(std::string("{\"prompt\":\"a\0b\"}", 16), "found a NUL at byte 12");
}

TEST(HostileJson, OnlyObjectsAreRequests) {
  for (const char* body : {"[]", "5", "\"text\"", "null", "true", "[{\"prompt\":\"Hi\"}]"}) {
    expect_no_json(body, "the body: expected an object, found ");
  }
}

TEST(HostileJson, TextMustBeUtf8) {
  for (const char* bytes :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xE2\x82",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x9F\x98", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    expect_no_json(std::string("{\"prompt\":\"a") + bytes + "b\"}", "ill-formed UTF-8");
    expect_no_json(std::string("{\"a") + bytes + "b\":1}", "ill-formed UTF-8");
  }
}

TEST(HostileJson, SurrogatesComeInPairs) {
  for (const char* escape : {R"(\ud800)", R"(\udfff)", R"(\ud83d)", R"(\ud83dx)", R"(\ud83d\n)",
                             R"(\ud83d\ud83d)", R"(\udc00\ud800)", R"(\uD83D\u0041)"}) {
    expect_no_json(std::string("{\"prompt\":\"") + escape + "\"}", "surrogate");
  }
  const CompletionRequest pair = parse_completion_request(R"({"prompt":"\ud83d\ude00"})", {});
  EXPECT_EQ(std::get<std::string>(pair.prompts.at(0)), "\xF0\x9F\x98\x80");
}

TEST(HostileJson, AnEscapedNulIsData) {
  const CompletionRequest request = parse_completion_request(R"({"prompt":"a\u0000b"})", {});
  EXPECT_EQ(std::get<std::string>(request.prompts.at(0)), std::string("a\0b", 3));
}

TEST(HostileJson, NumbersMustBeFinite) {
  for (const char* number : {"1e999", "-1e999", "1e309", "123456789e400"}) {
    expect_no_json(std::string("{\"temperature\":") + number + "}", "a number that is too large");
  }
  expect_no_json("{\"a\":" + std::string(100'000, '9') + "}", "a number that is too large");
  EXPECT_NO_THROW((void)chat(R"("temperature":1e-999)"));
}

TEST(HostileJson, KeysComeOnce) {
  expect_no_json(R"({"prompt":"a","prompt":"b"})", "prompt: expected one value, found two",
                 "prompt");
  expect_no_json(R"({"a":[{"x":1},{"b":1,"c":2,"b":1}]})", "a[1].b: expected one value, found two",
                 "a[1].b");
  expect_no_json(R"({"a":1,"\u0061":2})", "a: expected one value, found two", "a");
  expect_no_json(R"({"":1,"":2})", ": expected one value, found two");
}

TEST(HostileJson, ValuesHaveALimit) {
  const std::string many = repeat("1,", std::size_t{1} << 20U);
  expect_no_json("[" + many + "1]", "expected at most 1048576 values");
  expect_no_json("{\"a\":[" + many + "1]}", "expected at most 1048576 values");
}

TEST(HostileJson, MessagesDoNotRepeatWhatWasRead) {
  const std::string marker(10'000, 'M');
  for (const std::string& body :
       {"{\"" + marker + "\":1,\"" + marker + "\":2}", "{\"a\":\"" + marker, marker,
        "{\"" + marker + "\":" + repeat("[", 40)}) {
    try {
      (void)parse_json(body);
      ADD_FAILURE() << "expected a refusal";
    } catch (const ApiError& error) {
      EXPECT_LT(std::string(error.what()).size(), 300U) << error.what();
    }
  }
}

/// Seconds that `body` takes to be refused or accepted.
double seconds_of(const std::string& body) {
  const auto start = std::chrono::steady_clock::now();
  try {
    (void)parse_completion_request(body, {});
  } catch (const ApiError&) {
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string object_with_keys(int count) {
  std::string body = "{\"prompt\":\"Hi\"";
  for (int i = 0; i < count; ++i) body += ",\"key" + std::to_string(i) + "\":1";
  return body + "}";
}

// Generous: what is quadratic takes minutes here.
TEST(HostileJson, LongBodiesTakeLinearTime) {
  constexpr std::size_t kBytes = std::size_t{16} << 20U;
  constexpr double kPatience = 20;
  EXPECT_LT(seconds_of("{\"prompt\":\"" + std::string(kBytes, 'x') + "\"}"), kPatience);
  EXPECT_LT(seconds_of("{\"prompt\":\"" + repeat("\\n", kBytes / 2) + "\"}"), kPatience);
  EXPECT_LT(seconds_of("{\"prompt\":\"" + std::string(kBytes, 'x')), kPatience);
  EXPECT_LT(seconds_of("{\"stop\":\"" + std::string(kBytes, 'x') + "\"}"), kPatience);
  EXPECT_LT(seconds_of(std::string(kBytes, ' ')), kPatience);
  EXPECT_LT(seconds_of(object_with_keys(900'000)), kPatience);
  EXPECT_LT(seconds_of("{\"prompt\":[" + repeat("1,", 1'000'000) + "1]}"), kPatience);
  EXPECT_LT(seconds_of("{\"stop\":[" + repeat("\"a\",", 1'000'000) + "\"a\"]}"), kPatience);
}

}  // namespace
}  // namespace gemma2::server::test
