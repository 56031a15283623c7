// SPDX-License-Identifier: Apache-2.0
//
// Which neighbours may merge, into which piece, and which pair goes first.
//
// A symbol is a piece id, or (from `pieces` on) a character that occurs only inside longer pieces.
// Every symbol on the way is a character or the result of a merge, so "the two texts together are
// a piece" is a question about two numbers: one probe of a hash table instead of a string search.
// Gemma: 0.6 million pairs, three numbers of 21 bits packed into 64.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenizer/piece_table.h"
#include "vocabulary.h"

namespace gemma2 {

class MergeTable {
 public:
  static constexpr int kMaxPieces = 1 << 20;
  static constexpr std::uint32_t kNever = 0xFFFFFFFF;

  /// `mergeable[id]`: the piece may be the result of a merge. Throws Error(unsupported) if the
  /// pieces are so long that the table would cost more than any real vocabulary's.
  MergeTable(const PieceTable& table, std::span<const Piece> pieces,
             const std::vector<bool>& mergeable, const std::string& where);

  /// The symbol for a character, -1 if no piece contains it.
  [[nodiscard]] int symbol(char32_t code) const noexcept {
    const int page = pages_[code >> 8U];
    return page < 0 ? -1 : symbols_[static_cast<std::size_t>(page) + (code & 0xFFU)];
  }

  /// The piece that two symbols (each may be -1) make together, or -1.
  [[nodiscard]] TokenId merged(int left, int right) const noexcept {
    if (left < 0 || right < 0) return -1;
    const std::uint64_t key = pack(left, right);
    for (std::size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      const std::uint64_t entry = slots_[slot];
      if (entry >> kBits == key) return static_cast<TokenId>(entry & ((1U << kBits) - 1));
      if (entry == kFree) return -1;
    }
  }

  /// Smaller merges first; equal scores are equal. `piece` may be -1: kNever.
  [[nodiscard]] std::uint32_t urgency(TokenId piece) const noexcept {
    return piece < 0 ? kNever : urgency_[static_cast<std::size_t>(piece)];
  }

  /// The piece that a symbol is, or -1.
  [[nodiscard]] TokenId piece(int symbol) const noexcept {
    return symbol < static_cast<int>(urgency_.size()) ? symbol : -1;
  }

 private:
  static constexpr unsigned kBits = 21;
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};

  static std::uint64_t pack(int left, int right) noexcept {
    return static_cast<std::uint64_t>(left) << kBits | static_cast<std::uint64_t>(right);
  }
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const noexcept {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> shift_);
  }

  int add_symbol(char32_t code, int symbol);
  void add_characters(const PieceTable& table, const std::vector<bool>& mergeable,
                      const std::string& where);
  void fill(std::span<const std::uint64_t> entries);

  std::vector<int> pages_;    // code >> 8 -> begin in symbols_, -1 = none
  std::vector<int> symbols_;  // pages of 256
  std::vector<std::uint32_t> urgency_;
  std::vector<std::uint64_t> slots_;  // left, right, piece
  std::size_t mask_ = 0;
  unsigned shift_ = 0;
};

}  // namespace gemma2
