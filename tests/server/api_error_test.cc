// SPDX-License-Identifier: Apache-2.0
#include "api_error.h"

#include <string>
#include <utility>
#include <vector>

#include "server/answer_fixture.h"

namespace gemma2::server::test {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

TEST(ApiError, HasOpenAisShape) {
  const ApiError error = ApiError::invalid("messages[2].content", "expected x, found y");
  EXPECT_EQ(error.status(), 400);
  EXPECT_STREQ(error.what(), "expected x, found y");
  expect_json(error.json(),
              R"({"error":{"message":"expected x, found y","type":"invalid_request_error",
                           "param":"messages[2].content","code":null}})");
}

TEST(ApiError, WithoutAFieldParamIsNull) {
  expect_json(ApiError::invalid("", "bad").json(),
              R"({"error":{"message":"bad","type":"invalid_request_error","param":null,
                           "code":null}})");
}

TEST(ApiError, UnsupportedHasACode) {
  expect_json(ApiError::unsupported("tools", "no").json(),
              R"({"error":{"message":"no","type":"invalid_request_error","param":"tools",
                           "code":"unsupported_parameter"}})");
}

TEST(ApiError, ContextLengthHasBothCounts) {
  const ApiError error = ApiError::context_length(65, 64);
  EXPECT_EQ(error.status(), 400);
  const auto json = read(error.json()).at("error");
  EXPECT_EQ(json.at("code"), "context_length_exceeded");
  EXPECT_EQ(json.at("n_prompt_tokens"), 65);
  EXPECT_EQ(json.at("n_ctx"), 64);
  EXPECT_EQ(json.at("message"),
            "the prompt: expected at most 63 tokens (context length 64, room for one more), found "
            "65");
}

TEST(ApiError, StatusDecidesTheType) {
  const std::vector<std::pair<int, std::string>> types = {
      {400, "invalid_request_error"}, {401, "authentication_error"},
      {403, "permission_error"},      {404, "not_found_error"},
      {405, "invalid_request_error"}, {408, "invalid_request_error"},
      {413, "invalid_request_error"}, {415, "invalid_request_error"},
      {429, "rate_limit_error"},      {500, "server_error"},
      {503, "unavailable_error"}};
  for (const auto& [status, type] : types) {
    EXPECT_EQ(read(ApiError::of_status(status, "x").json()).at("error").at("type"), type);
    EXPECT_EQ(ApiError::of_status(status, "x").response().status, status);
  }
  EXPECT_EQ(read(ApiError::of_status(500, "x", "non_finite_logits").json()).at("error").at("code"),
            "non_finite_logits");
}

TEST(ApiError, ResponsesEndInALine) {
  const HttpResponse response = ApiError::invalid("n", "bad").response();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, ApiError::invalid("n", "bad").json() + "\n");
  EXPECT_EQ(response.headers, Headers());
}

TEST(ApiError, SomeResponsesSayWhatToDo) {
  const ApiError busy = ApiError::busy("full", 7);
  EXPECT_EQ(busy.status(), 429);
  EXPECT_EQ(busy.response().headers, Headers({{"Retry-After", "7"}}));
  EXPECT_EQ(ApiError::of_status(401, "key").response().headers,
            Headers({{"WWW-Authenticate", "Bearer"}}));
  const ApiError missing = ApiError::not_found("no such model", "model_not_found");
  EXPECT_EQ(missing.status(), 404);
  EXPECT_EQ(missing.code(), "model_not_found");
}

TEST(ApiError, AnyMessageBecomesJson) {
  const auto json = read(ApiError::invalid("a\xFF", "b\xC3\n\"\x01").json()).at("error");
  EXPECT_EQ(json.at("param"), "a\uFFFD");
  EXPECT_EQ(json.at("message"), "b\uFFFD\n\"\x01");
}

}  // namespace
}  // namespace gemma2::server::test
