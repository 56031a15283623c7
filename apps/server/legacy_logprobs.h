// SPDX-License-Identifier: Apache-2.0
//
// The log-probabilities of /v1/completions, parallel arrays, which evaluation harnesses read: a
// prompt is scored by echoing it, and a token counts as the model's own choice if its number equals
// the largest beside it. So both are the same float, a token that is not among the best is added to
// them, and of two tokens that are spelled alike the likelier one stays.
#pragma once

#include <span>
#include <string>

#include "gemma2/generate.h"
#include "gemma2/tokenizer.h"

#include "json_value.h"

namespace gemma2::server {

/// Where tokens begin in a text that is decoded as they come, in code points.
class TokenOffsets {
 public:
  TokenOffsets(const Tokenizer& tokenizer, int first, DecodeOptions options = {});

  /// Of `token`, which is the next; one that goes on a character begins where the character does.
  [[nodiscard]] int next(TokenId token);

 private:
  StreamDecoder decoder_;
  int offset_;
};

class LegacyLogprobs {
 public:
  explicit LegacyLogprobs(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// Tokens of the model, whose text begins where `offsets` says.
  void add(std::span<const GeneratedToken> tokens, TokenOffsets& offsets);

  /// Tokens of the prompt, the first of which has no probability. A <bos> at the beginning has no
  /// text in the prompt.
  void add_prompt(std::span<const GeneratedToken> tokens);

  /// {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
  [[nodiscard]] JsonValue take();

 private:
  void add(const GeneratedToken& token, bool has_logprob, int offset);

  const Tokenizer& tokenizer_;
  JsonArray tokens_ = {};
  JsonArray token_logprobs_ = {};
  JsonArray top_logprobs_ = {};
  JsonArray text_offset_ = {};
};

}  // namespace gemma2::server
