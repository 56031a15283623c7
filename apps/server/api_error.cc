// SPDX-License-Identifier: Apache-2.0
#include "api_error.h"

#include <fmt/format.h>

#include "json_value.h"

namespace gemma2::server {
namespace {

const char* type_of(int status) noexcept {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "unavailable_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

JsonValue text_or_null(const std::string& text) {
  return text.empty() ? JsonValue() : JsonValue(text);
}

}  // namespace

ApiError ApiError::invalid(std::string param, std::string message) {
  ApiError error(400, std::move(message));
  error.param_ = std::move(param);
  return error;
}

ApiError ApiError::unsupported(std::string param, std::string message) {
  ApiError error = invalid(std::move(param), std::move(message));
  error.code_ = "unsupported_parameter";
  return error;
}

ApiError ApiError::context_length(int prompt_tokens, int context_length) {
  ApiError error(400, fmt::format("the prompt: expected at most {} tokens (context length {}, room "
                                  "for one more), found {}",
                                  context_length - 1, context_length, prompt_tokens));
  error.code_ = "context_length_exceeded";
  error.counts_ = {prompt_tokens, context_length};
  return error;
}

ApiError ApiError::not_found(std::string message, std::string code) {
  ApiError error(404, std::move(message));
  error.code_ = std::move(code);
  return error;
}

ApiError ApiError::busy(std::string message, int retry_after_seconds) {
  ApiError error(429, std::move(message));
  error.code_ = "rate_limit_exceeded";
  error.retry_after_seconds_ = retry_after_seconds;
  return error;
}

ApiError ApiError::of_status(int status, std::string message, std::string code) {
  ApiError error(status, std::move(message));
  error.code_ = std::move(code);
  return error;
}

std::string ApiError::json() const {
  JsonObject error = {{"message", message_},
                      {"type", type_of(status_)},
                      {"param", text_or_null(param_)},
                      {"code", text_or_null(code_)}};
  if (counts_) {
    error.push_back({"n_prompt_tokens", counts_->first});
    error.push_back({"n_ctx", counts_->second});
  }
  return to_text(JsonObject{{"error", std::move(error)}});
}

HttpResponse ApiError::response() const {
  HttpResponse response{.status = status_, .body = json() + '\n'};
  if (status_ == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (retry_after_seconds_ > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds_));
  }
  return response;
}

}  // namespace gemma2::server
