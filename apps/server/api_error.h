// SPDX-License-Identifier: Apache-2.0
//
// Why a request is refused, in OpenAI's words: {"error":{"message","type","param","code"}}.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "http.h"

namespace gemma2::server {

class ApiError : public std::exception {
 public:
  /// 400 invalid_request_error. `param` is the field as a path: "messages[2].content".
  [[nodiscard]] static ApiError invalid(std::string param, std::string message);
  /// 400 with code "unsupported_parameter".
  [[nodiscard]] static ApiError unsupported(std::string param, std::string message);
  /// 400 with code "context_length_exceeded"; both counts also as n_prompt_tokens and n_ctx.
  [[nodiscard]] static ApiError context_length(int prompt_tokens, int context_length);
  [[nodiscard]] static ApiError not_found(std::string message, std::string code);
  /// 429 with Retry-After.
  [[nodiscard]] static ApiError busy(std::string message, int retry_after_seconds);
  /// Any other: the type follows from the status.
  [[nodiscard]] static ApiError of_status(int status, std::string message, std::string code = {});

  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  [[nodiscard]] const std::string& param() const noexcept { return param_; }

  /// {"error":{...}} without a newline: an event of a stream.
  [[nodiscard]] std::string json() const;
  /// With Retry-After and the like; the body ends in a newline, for people with curl.
  [[nodiscard]] HttpResponse response() const;

 private:
  ApiError(int status, std::string message) : status_(status), message_(std::move(message)) {}

  int status_;
  std::string message_;
  std::string param_ = {};  // empty: null
  std::string code_ = {};   // empty: null
  int retry_after_seconds_ = 0;
  std::optional<std::pair<int, int>> counts_ = {};  // prompt tokens, context length
};

}  // namespace gemma2::server
