// SPDX-License-Identifier: Apache-2.0
//
// SentencePiece's byte-pair encoding: frozen pieces are cut out first, then the pair of neighbours
// whose concatenation has the best score merges (leftmost among equals) until no pair is a piece;
// what is then no piece becomes its bytes.
//
// No piece of Gemma has a space inside, only at its beginning, so words can be encoded one by one
// and remembered; a short word is merged by scanning a small array, a long one with a heap, so that
// no input costs more than O(n log n). Vocabularies without that property take the heap for all.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/normalized_text.h"
#include "tokenizer/piece_matcher.h"
#include "tokenizer/piece_table.h"
#include "vocabulary.h"

namespace gemma2 {

class WordCache;

class Bpe {
 public:
  /// bytes: the ids of the 256 byte pieces, or all -1; then `unknown` is the fallback.
  Bpe(const PieceTable& table, std::span<const Piece> pieces, const std::array<TokenId, 256>& bytes,
      TokenId unknown, const std::string& where);

  /// Appends the ids of `text`. Thread-safe.
  void encode(const NormalizedText& text, const PieceMatcher& frozen,
              std::vector<TokenId>& ids) const;

 private:
  struct Symbol;
  struct Splits;

  Bpe(const PieceTable& table, std::span<const Piece> pieces, const std::vector<bool>& mergeable,
      const std::array<TokenId, 256>& bytes, TokenId unknown, const std::string& where);

  void encode_words(std::string_view text, const PieceMatcher& frozen,
                    std::vector<TokenId>& ids) const;
  void encode_cached(std::string_view word, WordCache& cache, std::vector<TokenId>& ids) const;
  void encode_word(std::string_view word, std::vector<TokenId>& ids) const;
  void encode_whole(std::string_view text, const PieceMatcher& frozen,
                    std::vector<TokenId>& ids) const;

  void append_characters(std::string_view text, std::vector<Symbol>& symbols) const;
  void merge(std::string_view text, std::vector<Symbol>& symbols, Splits* splits) const;
  void emit(int symbol, std::string_view text, std::vector<TokenId>& ids) const;
  void emit_split(int symbol, std::string_view text, const Splits& splits,
                  std::vector<TokenId>& ids) const;

  MergeTable merges_;
  std::vector<bool> unused_;  // pieces that are taken apart again; empty if there are none
  std::array<TokenId, 256> bytes_;
  TokenId unknown_;
  bool words_are_independent_;
};

}  // namespace gemma2
