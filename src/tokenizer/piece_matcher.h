// SPDX-License-Identifier: Apache-2.0
//
// Finds the longest of a set of pieces that a text begins with. It runs at almost every blank of a
// prompt, so the first byte decides most cases and a common prefix (two spaces, for Gemma's space
// runs) the rest; only then does a binary search narrow the sorted pieces byte by byte.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

class PieceMatcher {
 public:
  struct Match {
    TokenId id = -1;
    std::uint32_t length = 0;  // bytes; 0 = no piece
  };

  PieceMatcher() = default;

  /// No text may be empty or occur twice.
  explicit PieceMatcher(std::vector<std::pair<std::string, TokenId>> pieces);

  [[nodiscard]] bool may_begin(char byte) const noexcept {
    return groups_[static_cast<unsigned char>(byte)].count > 0;
  }

  /// The longest piece that `text` (not empty) begins with.
  [[nodiscard]] Match longest(std::string_view text) const noexcept;

 private:
  struct Group {  // the pieces with one first byte
    std::uint32_t first = 0, count = 0;
    std::uint32_t common = 0;  // bytes that all of them begin with
  };

  std::vector<std::pair<std::string, TokenId>> pieces_;  // sorted by text
  std::array<Group, 256> groups_ = {};
};

}  // namespace gemma2
