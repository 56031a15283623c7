// SPDX-License-Identifier: Apache-2.0
//
// Bodies to be changed in one place, and what becomes of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api_error.h"
#include "requests.h"

namespace gemma2::server::test {

/// The least body of /v1/chat/completions, without its closing bracket.
inline constexpr std::string_view kChatBody = R"({"messages":[{"role":"user","content":"Hi"}])";
/// The same of /v1/completions and /completion.
inline constexpr std::string_view kPromptBody = R"({"prompt":"Hi")";

/// `more`: "\"top_k\":1", to be added.
inline std::string with(std::string_view body, const std::string& more) {
  return std::string(body) + (more.empty() ? "" : "," + more) + "}";
}

inline ChatRequest chat(const std::string& more, const RequestDefaults& defaults = {}) {
  return parse_chat_request(with(kChatBody, more), defaults);
}

inline CompletionRequest completion(const std::string& more, const RequestDefaults& defaults = {}) {
  return parse_completion_request(with(kPromptBody, more), defaults);
}

inline CompletionRequest native(const std::string& more, const RequestDefaults& defaults = {}) {
  return parse_native_completion_request(with(kPromptBody, more), defaults);
}

/// Expects `body` to throw an ApiError of status 400 for `param`, whose message has `part`.
template <typename Body>
void expect_refused(const std::string& param, const std::string& part, const Body& body) {
  try {
    body();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status(), 400);
    EXPECT_EQ(error.param(), param) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << "expected '" << part << "' in: " << error.what();
    return;
  }
  ADD_FAILURE() << "expected " << param << " to be refused with '" << part << "'";
}

/// An endpoint by name, with its least body.
struct Endpoint {
  const char* name;
  std::function<void(const std::string& more)> parse;
};

inline const std::vector<Endpoint>& generating_endpoints() {
  static const std::vector<Endpoint> endpoints = {
      {"chat", [](const std::string& more) { static_cast<void>(chat(more)); }},
      {"completions", [](const std::string& more) { static_cast<void>(completion(more)); }},
      {"native", [](const std::string& more) { static_cast<void>(native(more)); }}};
  return endpoints;
}

}  // namespace gemma2::server::test
