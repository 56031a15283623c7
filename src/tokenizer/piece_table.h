// SPDX-License-Identifier: Apache-2.0
//
// The texts of a vocabulary: id -> text in one block of memory, text -> id by open addressing.
// Gemma's 256,000 texts take 2.2 MB and the index 4 MB: each slot keeps some bits of the hash, so
// that the many searches for what is no piece (see MergeTable) seldom touch a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

/// Many short strings, one allocation.
class TextBlock {
 public:
  void append(std::string_view text);
  [[nodiscard]] std::string_view operator[](std::size_t index) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
};

class PieceTable {
 public:
  explicit PieceTable(TextBlock texts);

  /// Makes piece `id` findable. Returns the id that has this text already, else `id` itself.
  TokenId insert(TokenId id);

  /// The id of exactly this text, -1 if no inserted piece has it.
  [[nodiscard]] TokenId find(std::string_view text) const noexcept;

  [[nodiscard]] std::string_view text(TokenId id) const noexcept {
    return texts_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] int size() const noexcept { return static_cast<int>(texts_.size()); }

 private:
  struct Slot {
    TokenId id = -1;  // -1: free
    std::uint32_t tag = 0;
  };

  [[nodiscard]] Slot locate(std::string_view text, std::size_t& slot) const noexcept;

  TextBlock texts_;
  std::vector<Slot> slots_;  // a power of two, at least twice the pieces
};

}  // namespace gemma2
