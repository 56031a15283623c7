// SPDX-License-Identifier: Apache-2.0
//
// What a Tokenizer shares between its copies: built once by make_tokenizer, never changed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gemma2/tokenizer.h"

#include "tokenizer/bpe.h"
#include "tokenizer/piece_matcher.h"
#include "tokenizer/piece_table.h"
#include "tokenizer/token_trie.h"

namespace gemma2 {

/// What a token is to the text around it.
enum class TokenClass : std::uint8_t {
  text,    // a piece whose spaces are U+2581
  byte,    // one byte, perhaps a part of a character
  hidden,  // control token or turn marker: seen only with show_special
};

struct Tokenizer::Impl {
  PieceTable table;
  TextBlock surfaces;  // by id: the bytes that a token adds to decoded text
  std::vector<TokenClass> classes;
  SpecialTokens special;
  PieceMatcher always_frozen;  // text mode: white-space runs, tags and the like
  PieceMatcher with_markers;   // special mode: those, turn markers, reserved and control pieces
  Bpe bpe;
  std::unique_ptr<LazyTokenTrie> trie = std::make_unique<LazyTokenTrie>();  // for grammars

  [[nodiscard]] TokenClass class_of(TokenId id) const noexcept {
    return classes[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] std::string_view surface(TokenId id) const noexcept {
    return surfaces[static_cast<std::size_t>(id)];
  }
};

/// Throws Error(invalid_argument) for an id outside the vocabulary.
void check_token(const Tokenizer::Impl& impl, TokenId token);

/// Appends what `token` adds to the text. A character that is still unfinished waits in `pending`;
/// any token but a byte ends it: its bytes become U+FFFD. Batch and stream decoding are both this.
void append_token(const Tokenizer::Impl& impl, TokenId token, const DecodeOptions& options,
                  std::string& pending, std::string& text);

/// Appends one U+FFFD for each byte of `pending` and empties it.
void flush_pending(std::string& pending, std::string& text);

}  // namespace gemma2
