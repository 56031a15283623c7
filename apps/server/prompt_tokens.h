// SPDX-License-Identifier: Apache-2.0
//
// From what a request says to token ids, with the checks that need the model.
#pragma once

#include <vector>

#include "gemma2/model.h"

#include "requests.h"

namespace gemma2::server {

struct PromptTokens {
  std::vector<TokenId> tokens = {};
  bool added_bos = false;  // in front of a prompt that did not say it
};

/// Gemma 2 has never seen a text without <bos> and answers nonsense to one: unless `add_bos` is
/// false it is put in front of text, and of token ids that do not begin with it.
/// Throws ApiError naming `param` for an id outside the vocabulary.
[[nodiscard]] PromptTokens encode_prompt(const Tokenizer& tokenizer, const Prompt& prompt,
                                         const std::string& param, bool add_bos = true);

/// Throws ApiError naming `param` and the place of an id outside the vocabulary.
void check_tokens(TokenSpan tokens, int vocab_size, const std::string& param);

/// The conversation, up to where the model is to speak.
[[nodiscard]] std::vector<TokenId> encode_messages(const Tokenizer& tokenizer,
                                                   const ChatRequest& request);

/// Throws ApiError::context_length unless `tokens` fit and, if `answers`, one more does.
void require_room(TokenSpan tokens, int context_length, bool answers);

/// Throws ApiError for a logit_bias outside the vocabulary.
void check_bias(const AnswerRequest& request, int vocab_size);

}  // namespace gemma2::server
