// SPDX-License-Identifier: Apache-2.0
//
// /v1/completions, and llama.cpp's /completion, which differs in names and defaults.
#include <fmt/format.h>

#include "answer_fields.h"
#include "api_error.h"
#include "other_fields.h"
#include "prompts.h"

namespace gemma2::server {
namespace {

constexpr int kOpenAiMaxTokens = 16;

void read_prompt(Fields& fields, CompletionRequest& request) {
  const JsonValue* prompt = fields.find("prompt");
  if (prompt == nullptr) {
    throw ApiError::invalid("prompt", "prompt: expected text or token ids, found none");
  }
  request.prompts = read_prompts(*prompt, "prompt");
  request.add_special_tokens = fields.boolean({"add_special_tokens"}).value_or(true);
}

void check_answer_count(const CompletionRequest& request) {
  const std::size_t answers = request.prompts.size() * static_cast<std::size_t>(request.best_of);
  if (answers <= kMaxItems) return;
  throw ApiError::invalid(
      "n", fmt::format("n: expected at most {} answers to all prompts together, found {} prompts "
                       "with {} each",
                       kMaxItems, request.prompts.size(), request.best_of));
}

/// The scores of an echoed prompt are known once all of it was read, and so is where it ends.
void read_echo(Fields& fields, CompletionRequest& request) {
  request.echo = fields.boolean({"echo"}).value_or(false);
  if (!request.echo || request.options.top_logprobs < 0) return;
  if (request.stream) {
    throw ApiError::invalid("echo", "echo: expected no stream beside echo and logprobs, found one");
  }
  request.options.prompt_logprobs = request.options.top_logprobs;
}

}  // namespace

CompletionRequest parse_completion_request(std::string_view body, const RequestDefaults& defaults) {
  const JsonValue value = parse_json(body);
  Fields fields(value);
  CompletionRequest request;
  read_prompt(fields, request);
  read_answer_fields(fields, defaults, {.max_tokens = kOpenAiMaxTokens}, request);
  read_counts(fields, request);
  check_answer_count(request);
  request.options.top_logprobs =
      static_cast<int>(fields.integer({"logprobs", "n_probs"}, 0, kMaxTopLogprobs).value_or(-1));
  read_echo(fields, request);
  check_other_fields(fields, defaults.strict);
  return request;
}

CompletionRequest parse_native_completion_request(std::string_view body,
                                                  const RequestDefaults& defaults) {
  const JsonValue value = parse_json(body);
  Fields fields(value);
  CompletionRequest request;
  request.native = true;
  read_prompt(fields, request);
  constexpr double kEngineLimit = 100;
  read_answer_fields(fields, defaults, {.max_temperature = kEngineLimit}, request);
  // llama.cpp's 0: none.
  const auto probabilities =
      static_cast<int>(fields.integer({"n_probs", "logprobs"}, 0, kMaxTopLogprobs).value_or(0));
  request.options.top_logprobs = probabilities > 0 ? probabilities : -1;
  check_other_fields(fields, defaults.strict);
  return request;
}

}  // namespace gemma2::server
