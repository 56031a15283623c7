// SPDX-License-Identifier: Apache-2.0
#include "prompt_tokens.h"

#include <cstddef>

#include <fmt/format.h>

#include "gemma2/error.h"

#include "api_error.h"

namespace gemma2::server {

PromptTokens encode_prompt(const Tokenizer& tokenizer, const Prompt& prompt,
                           const std::string& param, bool add_bos) {
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    return {tokenizer.encode(*text, {.add_bos = add_bos}), add_bos};
  }
  const TokenId bos = tokenizer.special().bos;
  PromptTokens encoded{std::get<std::vector<TokenId>>(prompt)};
  check_tokens(encoded.tokens, tokenizer.vocab_size(), param);
  encoded.added_bos = add_bos && (encoded.tokens.empty() || encoded.tokens.front() != bos);
  if (encoded.added_bos) encoded.tokens.insert(encoded.tokens.begin(), bos);
  return encoded;
}

void check_tokens(TokenSpan tokens, int vocab_size, const std::string& param) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < vocab_size) continue;
    throw ApiError::invalid(
        fmt::format("{}[{}]", param, i),
        fmt::format("expected a token id from 0 to {}, found {}", vocab_size - 1, tokens[i]));
  }
}

std::vector<TokenId> encode_messages(const Tokenizer& tokenizer, const ChatRequest& request) {
  try {
    if (!request.continue_final_message) {
      return encode_chat(tokenizer, request.messages, request.chat);
    }
    // The template opens the model's turn, and its text so far follows.
    ChatOptions options = request.chat;
    options.add_generation_prompt = true;
    std::span<const Message> messages = request.messages;
    std::vector<TokenId> tokens =
        encode_chat(tokenizer, messages.first(messages.size() - 1), options);
    const std::vector<TokenId> begun =
        tokenizer.encode(messages.back().content, {.add_bos = false});
    tokens.insert(tokens.end(), begun.begin(), begun.end());
    return tokens;
  } catch (const Error& error) {
    throw ApiError::invalid("messages", error.what());
  }
}

void require_room(TokenSpan tokens, int context_length, bool answers) {
  const std::size_t needed = tokens.size() + (answers ? 1 : 0);
  if (needed <= static_cast<std::size_t>(context_length)) return;
  throw ApiError::context_length(static_cast<int>(tokens.size()), context_length);
}

void check_bias(const AnswerRequest& request, int vocab_size) {
  for (const auto& [token, bias] : request.options.sampling.logit_bias) {
    if (token < vocab_size) continue;
    throw ApiError::invalid(
        fmt::format("logit_bias.{}", token),
        fmt::format("expected token ids from 0 to {}, found {}", vocab_size - 1, token));
  }
}

}  // namespace gemma2::server
