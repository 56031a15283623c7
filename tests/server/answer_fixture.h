// SPDX-License-Identifier: Apache-2.0
//
// Results made by hand, and answers looked at by another reader of JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "answers.h"
#include "support/tiny_gguf.h"
#include "tokenizer/vocabulary_readers.h"

#include <nlohmann/json.hpp>

namespace gemma2::server::test {

using nlohmann::ordered_json;

inline const Tokenizer& tiny_tokenizer() {
  static const Tokenizer tokenizer = make_tokenizer(gemma2::test::tiny_vocabulary(), "tiny");
  return tokenizer;
}

/// The id of a piece that must be there; "_" at the beginning stands for a space.
inline TokenId id_of(std::string_view piece) {
  std::string spelled(piece);
  if (piece.front() == '_') spelled.replace(0, 1, "\u2581");
  return tiny_tokenizer().find(spelled).value();
}

/// The id of a byte's own token.
inline TokenId id_of_byte(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const std::string piece = {'<', '0', 'x', kDigits[byte >> 4U], kDigits[byte & 15U], '>'};
  return tiny_tokenizer().find(piece).value();
}

inline AnswerHead some_head(const std::string& id) {
  return {.id = id, .created = 1700000000, .model = "m", .fingerprint = "gemma2 0.1 test"};
}

inline constexpr Usage kUsage = {.prompt_tokens = 5, .cached_tokens = 2, .completion_tokens = 3};

/// "_the", "_fox": two tokens with two alternatives each.
inline GenerateResult the_fox() {
  GenerateResult result;
  result.reason = StopReason::end_of_turn;
  result.text = " the fox";
  result.tokens = {{id_of("_the"), -0.5F, {{id_of("_the"), -0.5F}, {id_of("_a"), -1.25F}}},
                   {id_of("_fox"), -2.0F, {{id_of("_sun"), -0.25F}, {id_of("_day"), -1.5F}}}};
  result.prompt_tokens = 5;
  result.cached_tokens = 1;
  result.prefill_seconds = 0.5;
  result.decode_seconds = 0.25;
  return result;
}

/// Parsed; one line of JSON, or a failure.
inline ordered_json read(const std::string& text) {
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  ordered_json json = ordered_json::parse(text, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << text;
  return json;
}

/// Equal to the JSON `expected`, the order of members included.
inline void expect_json(const std::string& text, const std::string& expected) {
  EXPECT_EQ(read(text).dump(1), ordered_json::parse(expected).dump(1));
}

inline void expect_json(const ordered_json& json, const std::string& expected) {
  EXPECT_EQ(json.dump(1), ordered_json::parse(expected).dump(1));
}

}  // namespace gemma2::server::test
