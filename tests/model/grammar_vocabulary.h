// SPDX-License-Identifier: Apache-2.0
//
// A vocabulary to write JSON with: every byte, and pieces that cross the borders of its parts.
#pragma once

#include <fmt/format.h>

#include "gemma2/gemma2.h"

#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {

inline Vocabulary json_vocabulary() {
  Vocabulary vocabulary;
  vocabulary.pad = 0;
  vocabulary.eos = 1;
  vocabulary.bos = 2;
  vocabulary.unk = 3;
  for (const char* name : {"<pad>", "<eos>", "<bos>"}) {
    vocabulary.pieces.push_back({name, 0, PieceType::control});
  }
  vocabulary.pieces.push_back({"<unk>", 0, PieceType::unknown});
  for (const char* name : {"<start_of_turn>", "<end_of_turn>", "\n\n", "\u2581\u2581"}) {
    vocabulary.pieces.push_back({name, 0, PieceType::user_defined});
  }
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary.pieces.push_back({fmt::format("<0x{:02X}>", byte), 0, PieceType::byte});
  }
  float score = 0;
  for (const char* text : {"\u2581",
                           "a",
                           "b",
                           "c",
                           "e",
                           "0",
                           "1",
                           "9",
                           "\"",
                           "{",
                           "}",
                           "[",
                           "]",
                           ",",
                           ":",
                           "\\",
                           "u",
                           "{\"",
                           "\":",
                           "\",",
                           "\"}",
                           "]}",
                           "}}",
                           "[[",
                           "],[",
                           "{}",
                           "[]",
                           ",\u2581\"",
                           ":\u2581",
                           "\n",
                           "\n\u2581\u2581",
                           "\":\u2581\"",
                           "\",\u2581\"",
                           "ab",
                           "abc",
                           "tr",
                           "true",
                           "null",
                           "fal",
                           "false",
                           "12",
                           "00",
                           "0.",
                           "-1",
                           ".5",
                           "e1",
                           "1e",
                           "\\u",
                           "\\n",
                           "\\\"",
                           "\\ud8",
                           "\u00e9",
                           "\u4e16",
                           "\U0001F600",
                           "\u00e9\"",
                           "a\":\u25811",
                           "{\"a\":",
                           "\u25811",
                           "}\n",
                           "\"\n"}) {
    vocabulary.pieces.push_back({text, --score, PieceType::normal});
  }
  return vocabulary;
}

inline Tokenizer json_tokenizer() {
  return make_tokenizer(json_vocabulary(), "test");
}

/// The token that is this byte.
inline TokenId byte_token(const Tokenizer& tokenizer, char byte) {
  return *tokenizer.find(fmt::format("<0x{:02X}>", static_cast<std::uint8_t>(byte)));
}

/// Goes on byte by byte. Returns false, having gone as far as possible, where that is not allowed.
inline bool feed(GrammarState& state, const Tokenizer& tokenizer, std::string_view text) {
  for (const char byte : text) {
    const TokenId token = byte_token(tokenizer, byte);
    if (!is_allowed(state.allowed(), token)) return false;
    state.accept(token);
  }
  return true;
}

/// True if `text` is one of the grammar's.
inline bool accepts(const Grammar& grammar, const Tokenizer& tokenizer, std::string_view text) {
  GrammarState state(grammar, tokenizer);
  return feed(state, tokenizer, text) && state.finished();
}

}  // namespace gemma2::test
