// SPDX-License-Identifier: Apache-2.0
//
// Results as response bodies and stream events: one class for each endpoint's wording, so that what
// runs the model is the same for all. All text that leaves here is valid UTF-8 JSON in one line.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/generate.h"
#include "gemma2/tokenizer.h"

#include "requests.h"

namespace gemma2::server {

/// What every message of one exchange repeats.
struct AnswerHead {
  std::string id = {};           // "chatcmpl-..." or "cmpl-..."
  std::int64_t created = 0;      // seconds since 1970
  std::string model = {};        // as the request named it
  std::string fingerprint = {};  // system_fingerprint
};

/// One answer. `result` and `prompt` are whole when it ends; what OpenAI calls finish_reason
/// follows from them: "stop", or "length" where the answer was cut, by a deadline too.
struct Choice {
  int index = 0;
  TokenSpan prompt = {};
  bool added_bos = false;  // <bos> in front of the prompt is not the client's, and not shown
  const GenerateResult* result = nullptr;
  std::uint64_t seed = 0;
};

/// Tokens of all choices together; a prompt with several answers counts once.
struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;
  int completion_tokens = 0;
};

/// What was measured of an answer so far.
struct Timings {
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of them
  int answer_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

/// Streams belong to one thread at a time, and the pieces of a choice come in their order.
class AnswerFormat {
 public:
  AnswerFormat() = default;
  AnswerFormat(const AnswerFormat&) = delete;
  AnswerFormat& operator=(const AnswerFormat&) = delete;
  virtual ~AnswerFormat() = default;

  /// The whole body.
  [[nodiscard]] virtual std::string body(std::span<const Choice> choices,
                                         const Usage& usage) const = 0;

  // Events of a stream; an empty string: none is sent.

  /// Before anything of a choice.
  [[nodiscard]] virtual std::string opening(int index) const = 0;
  /// Text that became certain, and the tokens that it came with, with log-probabilities if wanted.
  /// `timings`: for timings_per_token.
  [[nodiscard]] virtual std::string piece(int index, std::string_view text,
                                          std::span<const GeneratedToken> tokens,
                                          const std::optional<Timings>& timings = {}) = 0;
  [[nodiscard]] virtual std::string closing(const Choice& choice) const = 0;
  /// After all choices.
  [[nodiscard]] virtual std::string usage(std::span<const Choice> choices,
                                          const Usage& usage) const = 0;
  /// Progress of a prompt, for return_progress.
  [[nodiscard]] virtual std::string progress(int index, int done, int total) const = 0;
  /// "[DONE]".
  [[nodiscard]] virtual std::string end() const = 0;
};

/// They keep references to request and tokenizer.
[[nodiscard]] std::unique_ptr<AnswerFormat> make_chat_format(AnswerHead head,
                                                             const ChatRequest& request,
                                                             const Tokenizer& tokenizer);
/// For /v1/completions, or /completion where request.native. An answer belongs to the prompt number
/// index / request.n.
[[nodiscard]] std::unique_ptr<AnswerFormat> make_completion_format(AnswerHead head,
                                                                   const CompletionRequest& request,
                                                                   const Tokenizer& tokenizer);

/// The tokens of a result that its text came from: without those that lie wholly in the stop text.
[[nodiscard]] std::span<const GeneratedToken> tokens_of_text(const GenerateResult& result,
                                                             const Tokenizer& tokenizer);

[[nodiscard]] std::string embeddings_body(const EmbeddingRequest& request,
                                          std::span<const std::vector<float>> embeddings,
                                          int prompt_tokens);

/// The union of vLLM's and llama.cpp's answers.
[[nodiscard]] std::string tokenize_body(const TokenizeRequest& request, TokenSpan tokens,
                                        const Tokenizer& tokenizer, int context_length);
[[nodiscard]] std::string detokenize_body(std::string_view text);
[[nodiscard]] std::string tokenizer_info_body(const Tokenizer& tokenizer);

}  // namespace gemma2::server
