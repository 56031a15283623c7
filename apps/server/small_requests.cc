// SPDX-License-Identifier: Apache-2.0
//
// Requests that generate nothing: embeddings and the tokenizer's.
#include <limits>

#include <fmt/format.h>

#include "answer_fields.h"
#include "api_error.h"
#include "messages.h"
#include "other_fields.h"
#include "prompts.h"

namespace gemma2::server {
namespace {

constexpr std::size_t kAnyLength = std::numeric_limits<std::size_t>::max();  // the body has a limit

std::string read_model(Fields& fields) {
  return fields.text("model", kMaxModelName).value_or(std::string());
}

bool read_base64(Fields& fields) {
  constexpr std::size_t kMaxName = 64;
  const JsonValue* format = fields.find("encoding_format");
  if (format == nullptr) return false;
  const std::string& name = read_text(*format, "encoding_format", kMaxName);
  if (name != "float" && name != "base64") {
    refuse("encoding_format", "\"float\" or \"base64\"", *format);
  }
  return name == "base64";
}

void check_inputs(const std::vector<Prompt>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto* text = std::get_if<std::string>(&inputs[i]);
    if (text == nullptr || !text->empty()) continue;
    const std::string path = inputs.size() == 1 ? "input" : fmt::format("input[{}]", i);
    throw ApiError::invalid(path, path + ": expected a text, found an empty string");
  }
}

/// The text of either shape: llama.cpp's "content", whose special tokens are parsed, or vLLM's
/// "prompt". Nothing if the request has messages instead.
void read_tokenize_text(Fields& fields, TokenizeRequest& request) {
  std::optional<std::string> content = fields.text("content", kAnyLength);
  std::optional<std::string> prompt = fields.text("prompt", kAnyLength);
  if (content && prompt) {
    throw ApiError::invalid("prompt", "prompt: expected either content or prompt, found both");
  }
  request.add_special = !content.has_value();
  request.parse_special = content.has_value();
  request.text = content ? std::move(content) : std::move(prompt);
}

}  // namespace

EmbeddingRequest parse_embedding_request(std::string_view body, const RequestDefaults& defaults) {
  const JsonValue value = parse_json(body);
  Fields fields(value);
  EmbeddingRequest request;
  request.model = read_model(fields);
  const JsonValue* input = fields.find("input");
  if (input == nullptr) {
    throw ApiError::invalid("input", "input: expected text or token ids, found none");
  }
  request.inputs = read_prompts(*input, "input");
  check_inputs(request.inputs);
  request.base64 = read_base64(fields);
  constexpr int kMaxDimensions = std::numeric_limits<int>::max();
  if (const auto dimensions = fields.integer({"dimensions"}, 1, kMaxDimensions)) {
    request.dimensions = static_cast<int>(*dimensions);
  }
  constexpr int kEuclidean = 2;  // of llama.cpp's norms the one that embeddings have
  static_cast<void>(fields.integer({"embd_normalize"}, kEuclidean, kEuclidean));
  check_other_fields(fields, defaults.strict);
  return request;
}

TokenizeRequest parse_tokenize_request(std::string_view body, const RequestDefaults& defaults) {
  const JsonValue value = parse_json(body);
  Fields fields(value);
  TokenizeRequest request;
  request.model = read_model(fields);
  request.chat = defaults.chat;
  read_tokenize_text(fields, request);
  const JsonValue* messages = fields.find("messages");
  if (request.text.has_value() == (messages != nullptr)) {
    throw ApiError::invalid("prompt",
                            "prompt: expected one of content, prompt and messages, found " +
                                std::string(messages == nullptr ? "none" : "two"));
  }
  if (messages != nullptr) request.messages = read_messages(*messages, "messages", request.chat);
  request.chat.add_generation_prompt = fields.boolean({"add_generation_prompt"}).value_or(true);
  // The template has a <bos> of its own.
  const bool add_special = messages == nullptr && request.add_special;
  request.add_special = fields.boolean({"add_special_tokens", "add_special"}).value_or(add_special);
  request.parse_special = fields.boolean({"parse_special"}).value_or(request.parse_special);
  request.with_pieces = fields.boolean({"with_pieces"}).value_or(false);
  request.return_token_strs = fields.boolean({"return_token_strs"}).value_or(false);
  check_other_fields(fields, defaults.strict);
  return request;
}

DetokenizeRequest parse_detokenize_request(std::string_view body, const RequestDefaults& defaults) {
  const JsonValue value = parse_json(body);
  Fields fields(value);
  DetokenizeRequest request;
  request.model = read_model(fields);
  const JsonValue* tokens = fields.find("tokens");
  if (tokens == nullptr) {
    throw ApiError::invalid("tokens", "tokens: expected an array of token ids, found none");
  }
  request.tokens = read_tokens(read_array(*tokens, "tokens"), "tokens");
  check_other_fields(fields, defaults.strict);
  return request;
}

}  // namespace gemma2::server
