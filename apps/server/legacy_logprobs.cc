// SPDX-License-Identifier: Apache-2.0
#include "legacy_logprobs.h"

#include <algorithm>
#include <map>
#include <utility>

#include "answer_parts.h"

namespace gemma2::server {
namespace {

/// Spelled as it will be printed: parts of characters become U+FFFD, and many of them do.
std::string spelling(const Tokenizer& tokenizer, TokenId token) {
  return tokenizer.decode({&token, 1}, {.show_special = true});
}

JsonValue top_json(const Tokenizer& tokenizer, const GeneratedToken& token) {
  std::vector<TokenLogprob> best = token.top;
  const auto is_it = [&](const TokenLogprob& other) { return other.token == token.token; };
  if (std::none_of(best.begin(), best.end(), is_it)) best.push_back({token.token, token.logprob});
  JsonObject top;
  std::map<std::string, std::size_t> places;
  for (const TokenLogprob& other : best) {
    std::string text = spelling(tokenizer, other.token);
    const auto [place, is_new] = places.emplace(text, top.size());
    if (is_new) {
      top.push_back({std::move(text), other.logprob});
    } else {
      auto& logprob = std::get<float>(top[place->second].value);
      logprob = std::max(logprob, other.logprob);
    }
  }
  return top;
}

}  // namespace

TokenOffsets::TokenOffsets(const Tokenizer& tokenizer, int first, DecodeOptions options)
    : decoder_(tokenizer, options), offset_(first) {}

int TokenOffsets::next(TokenId token) {
  return std::exchange(offset_, offset_ + count_characters(decoder_.push(token)));
}

void LegacyLogprobs::add(const GeneratedToken& token, bool has_logprob, int offset) {
  tokens_.emplace_back(spelling(tokenizer_, token.token));
  token_logprobs_.push_back(has_logprob ? JsonValue(token.logprob) : JsonValue());
  top_logprobs_.push_back(has_logprob ? top_json(tokenizer_, token) : JsonValue());
  text_offset_.emplace_back(offset);
}

void LegacyLogprobs::add(std::span<const GeneratedToken> tokens, TokenOffsets& offsets) {
  for (const GeneratedToken& token : tokens) add(token, true, offsets.next(token.token));
}

void LegacyLogprobs::add_prompt(std::span<const GeneratedToken> tokens) {
  TokenOffsets offsets(tokenizer_, 0, {.show_special = true});
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool is_bos = i == 0 && tokens[i].token == tokenizer_.special().bos;
    add(tokens[i], i > 0, is_bos ? 0 : offsets.next(tokens[i].token));
  }
}

JsonValue LegacyLogprobs::take() {
  JsonObject json;
  json.push_back({"tokens", std::move(tokens_)});
  json.push_back({"token_logprobs", std::move(token_logprobs_)});
  json.push_back({"top_logprobs", std::move(top_logprobs_)});
  json.push_back({"text_offset", std::move(text_offset_)});
  return json;
}

}  // namespace gemma2::server
