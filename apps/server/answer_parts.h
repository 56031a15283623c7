// SPDX-License-Identifier: Apache-2.0
//
// What the wordings of the endpoints have in common.
#pragma once

#include <span>
#include <string>

#include "gemma2/generate.h"
#include "gemma2/tokenizer.h"

#include "answers.h"
#include "json_value.h"

namespace gemma2::server {

/// "stop", or "length" for an answer that was cut, also inside the form it was to have.
[[nodiscard]] const char* finish_reason(const GenerateResult& result);

/// The members that begin every message of one exchange.
[[nodiscard]] JsonObject head_json(const AnswerHead& head, const char* object);

[[nodiscard]] JsonValue usage_json(const Usage& usage);

[[nodiscard]] Timings timings_of(const GenerateResult& result);
/// With llama.cpp's names.
[[nodiscard]] JsonValue timings_json(const Timings& timings);
/// Adds "timings" where they are those of one answer.
void add_timings(JsonObject& object, std::span<const Choice> choices);

/// {"total": ..., "processed": ...}, as llama.cpp's prompt_progress.
[[nodiscard]] JsonValue progress_json(int done, int total);

/// The token's own text, control tokens included; U+FFFD for what is a part of a character.
[[nodiscard]] std::string token_text(const Tokenizer& tokenizer, TokenId token);
[[nodiscard]] JsonArray byte_values(std::string_view bytes);
[[nodiscard]] JsonArray token_ids(TokenSpan tokens);
[[nodiscard]] JsonArray token_ids(std::span<const GeneratedToken> tokens);

/// Each token as `describe` words it, its alternatives under "top_logprobs".
[[nodiscard]] JsonArray with_alternatives(const Tokenizer& tokenizer,
                                          std::span<const GeneratedToken> tokens,
                                          JsonObject (*describe)(const Tokenizer&, TokenId,
                                                                 float logprob));

/// {"content": [{"token", "logprob", "bytes", "top_logprobs"}], "refusal": null}
[[nodiscard]] JsonValue chat_logprobs(const Tokenizer& tokenizer,
                                      std::span<const GeneratedToken> tokens);

/// Code points of valid UTF-8, which is how OpenAI's clients count characters.
[[nodiscard]] int count_characters(std::string_view text) noexcept;

}  // namespace gemma2::server
