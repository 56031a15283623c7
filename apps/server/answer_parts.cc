// SPDX-License-Identifier: Apache-2.0
#include "answer_parts.h"

#include <algorithm>
#include <cstddef>

#include "printable_text.h"

namespace gemma2::server {
namespace {

double per_second(int tokens, double seconds) {
  return seconds > 0 ? tokens / seconds : 0;
}

JsonObject token_json(const Tokenizer& tokenizer, TokenId token, float logprob) {
  const std::string_view bytes = tokenizer.bytes(token, {.show_special = true});
  return {{"token", std::string(bytes)}, {"logprob", logprob}, {"bytes", byte_values(bytes)}};
}

}  // namespace

const char* finish_reason(const GenerateResult& result) {
  const bool is_end =
      result.reason == StopReason::end_of_turn || result.reason == StopReason::stop_text;
  return is_end && result.grammar_finished ? "stop" : "length";
}

JsonObject head_json(const AnswerHead& head, const char* object) {
  return {{"id", head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint}};
}

JsonValue usage_json(const Usage& usage) {
  return JsonObject{{"prompt_tokens", usage.prompt_tokens},
                    {"completion_tokens", usage.completion_tokens},
                    {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
                    {"prompt_tokens_details", JsonObject{{"cached_tokens", usage.cached_tokens}}},
                    {"completion_tokens_details", JsonObject{{"reasoning_tokens", 0}}}};
}

Timings timings_of(const GenerateResult& result) {
  return {.prompt_tokens = result.prompt_tokens,
          .cached_tokens = result.cached_tokens,
          .answer_tokens = static_cast<int>(result.tokens.size()),
          .prefill_seconds = result.prefill_seconds,
          .decode_seconds = result.decode_seconds};
}

JsonValue timings_json(const Timings& timings) {
  const int computed = timings.prompt_tokens - timings.cached_tokens;
  return JsonObject{
      {"cache_n", timings.cached_tokens},
      {"prompt_n", computed},
      {"prompt_ms", 1e3 * timings.prefill_seconds},
      {"prompt_per_second", per_second(computed, timings.prefill_seconds)},
      {"predicted_n", timings.answer_tokens},
      {"predicted_ms", 1e3 * timings.decode_seconds},
      {"predicted_per_second", per_second(timings.answer_tokens, timings.decode_seconds)}};
}

void add_timings(JsonObject& object, std::span<const Choice> choices) {
  if (choices.size() != 1) return;  // answers side by side: their seconds do not add up
  object.push_back({"timings", timings_json(timings_of(*choices.front().result))});
}

JsonValue progress_json(int done, int total) {
  return JsonObject{{"total", total}, {"processed", done}};
}

std::string token_text(const Tokenizer& tokenizer, TokenId token) {
  return std::string(tokenizer.bytes(token, {.show_special = true}));
}

JsonArray byte_values(std::string_view bytes) {
  JsonArray values;
  values.reserve(bytes.size());
  for (const char c : bytes) values.emplace_back(static_cast<int>(static_cast<unsigned char>(c)));
  return values;
}

JsonArray token_ids(TokenSpan tokens) {
  return {tokens.begin(), tokens.end()};
}

JsonArray token_ids(std::span<const GeneratedToken> tokens) {
  JsonArray ids;
  ids.reserve(tokens.size());
  for (const GeneratedToken& token : tokens) ids.emplace_back(token.token);
  return ids;
}

JsonArray with_alternatives(const Tokenizer& tokenizer, std::span<const GeneratedToken> tokens,
                            JsonObject (*describe)(const Tokenizer&, TokenId, float logprob)) {
  JsonArray list;
  list.reserve(tokens.size());
  for (const GeneratedToken& token : tokens) {
    JsonArray top;
    for (const TokenLogprob& other : token.top) {
      top.emplace_back(describe(tokenizer, other.token, other.logprob));
    }
    JsonObject entry = describe(tokenizer, token.token, token.logprob);
    entry.push_back({"top_logprobs", std::move(top)});
    list.emplace_back(std::move(entry));
  }
  return list;
}

JsonValue chat_logprobs(const Tokenizer& tokenizer, std::span<const GeneratedToken> tokens) {
  JsonObject logprobs;
  logprobs.push_back({"content", with_alternatives(tokenizer, tokens, token_json)});
  logprobs.push_back({"refusal", {}});
  return logprobs;
}

int count_characters(std::string_view text) noexcept {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

std::span<const GeneratedToken> tokens_of_text(const GenerateResult& result,
                                               const Tokenizer& tokenizer) {
  if (result.reason != StopReason::stop_text) return result.tokens;
  StreamDecoder decoder(tokenizer);
  std::size_t certain = 0;  // bytes of text before the token, but for a character it may finish
  std::size_t count = 0;
  for (; count < result.tokens.size() && certain < result.text.size(); ++count) {
    certain += decoder.push(result.tokens[count].token).size();
  }
  return std::span(result.tokens).first(count);
}

}  // namespace gemma2::server
