// SPDX-License-Identifier: Apache-2.0
//
// Request bodies as plain values. Every field is read, checked and bounded here: what these
// functions return needs no further check but those that only the model can make (token ids against
// the vocabulary, the prompt against the context). Every refusal is an ApiError that names the
// field. Fields are those of OpenAI's interface, with vLLM's and llama.cpp's names for extensions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemma2/chat.h"
#include "gemma2/generate.h"

namespace gemma2::server {

/// What the server was started with and a request does not say.
struct RequestDefaults {
  SamplingOptions sampling = {};  // temperature 1, as OpenAI's
  bool strict = false;            // unknown fields are an error
  ChatOptions chat = {};
};

/// What all endpoints that generate text share.
struct AnswerRequest {
  std::string model = {};  // echoed; any is accepted
  GenerateOptions options = {};
  bool has_seed = false;  // else options.sampling.seed is not set
  int n = 1;              // answers to each prompt
  int best_of = 1;        // >= n: candidates, of which the n likeliest are given
  bool stream = false;
  bool include_usage = false;
  bool cache_prompt = true;     // may use and leave cached prefixes
  std::string cache_salt = {};  // prefixes are shared among equal salts alone
  bool return_token_ids = false;
  bool timings_per_token = false;
  bool return_progress = false;                              // of the prompt, in a stream
  std::optional<std::chrono::milliseconds> time_limit = {};  // t_max_predict_ms, max_time
};

struct ChatRequest : AnswerRequest {
  std::vector<Message> messages = {};
  ChatOptions chat = {};  // add_generation_prompt
  /// The last message is the model's and goes on where it ends.
  bool continue_final_message = false;
};

using Prompt = std::variant<std::string, std::vector<TokenId>>;

struct CompletionRequest : AnswerRequest {
  std::vector<Prompt> prompts = {};  // 1 .. 2048
  bool echo = false;
  bool add_special_tokens = true;  // <bos> in front of prompts that do not begin with it
  bool native = false;             // llama.cpp's /completion: its field names and its answer
};

struct EmbeddingRequest {
  std::string model = {};
  std::vector<Prompt> inputs = {};
  bool base64 = false;
  std::optional<int> dimensions = {};
};

struct TokenizeRequest {
  std::string model = {};
  std::optional<std::string> text = {};  // or:
  std::vector<Message> messages = {};    // vLLM's other shape
  ChatOptions chat = {};
  bool add_special = true;  // vLLM's add_special_tokens; llama.cpp's add_special defaults to false
  bool parse_special = false;
  bool with_pieces = false;        // llama.cpp's: tokens as {"id", "piece"}
  bool return_token_strs = false;  // vLLM's: the pieces as an array of their own
};

struct DetokenizeRequest {
  std::string model = {};
  std::vector<TokenId> tokens = {};
};

/// `body`: UTF-8 JSON, at most 32 deep, no key twice.
[[nodiscard]] ChatRequest parse_chat_request(std::string_view body,
                                             const RequestDefaults& defaults);
[[nodiscard]] CompletionRequest parse_completion_request(std::string_view body,
                                                         const RequestDefaults& defaults);
[[nodiscard]] CompletionRequest parse_native_completion_request(std::string_view body,
                                                                const RequestDefaults& defaults);
[[nodiscard]] EmbeddingRequest parse_embedding_request(std::string_view body,
                                                       const RequestDefaults& defaults);
[[nodiscard]] TokenizeRequest parse_tokenize_request(std::string_view body,
                                                     const RequestDefaults& defaults);
[[nodiscard]] DetokenizeRequest parse_detokenize_request(std::string_view body,
                                                         const RequestDefaults& defaults);
/// /apply-template: the messages of a chat request, the rest of it checked as well.
[[nodiscard]] ChatRequest parse_template_request(std::string_view body,
                                                 const RequestDefaults& defaults);

}  // namespace gemma2::server
