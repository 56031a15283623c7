// SPDX-License-Identifier: Apache-2.0
//
// The merges of a word of at most 32 characters. Scanning the pairs for the best one beats a heap
// as long as they fit into a few cache lines.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "tokenizer/merge_table.h"
#include "tokenizer/utf8.h"

namespace gemma2 {

class ShortWord {
 public:
  static constexpr std::size_t kMaxCharacters = 32;

  /// `text` must be well-formed UTF-8 and outlive this.
  ShortWord(const MergeTable& merges, std::string_view text) : merges_(merges), text_(text) {
    std::size_t end = 0;
    while (end < text.size() && count_ < kMaxCharacters) {
      const Utf8Char next = decode_utf8(text.substr(end));
      symbols_[count_] = merges.symbol(next.code);
      begins_[count_++] = static_cast<std::uint32_t>(end);
      end += static_cast<std::size_t>(next.length);
    }
    begins_[count_] = static_cast<std::uint32_t>(end);
  }

  /// False: the word is too long for this class.
  [[nodiscard]] bool fits() const noexcept { return begins_[count_] == text_.size(); }

  void merge() noexcept {
    for (std::size_t i = 0; i + 1 < count_; ++i) look_up(i);
    while (count_ > 1) {
      const auto end = urgencies_.begin() + static_cast<std::ptrdiff_t>(count_ - 1);
      const auto best = std::min_element(urgencies_.begin(), end);  // the leftmost among equals
      if (*best == MergeTable::kNever) return;
      join(static_cast<std::size_t>(best - urgencies_.begin()));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] int symbol(std::size_t i) const noexcept { return symbols_[i]; }
  [[nodiscard]] std::string_view text(std::size_t i) const noexcept {
    return text_.substr(begins_[i], begins_[i + 1] - begins_[i]);
  }

 private:
  /// Makes one symbol of i and i + 1.
  void join(std::size_t i) noexcept {
    symbols_[i] = results_[i];
    --count_;
    for (std::size_t j = i + 1; j < count_; ++j) {
      symbols_[j] = symbols_[j + 1];
      results_[j] = results_[j + 1];
      urgencies_[j] = urgencies_[j + 1];
    }
    for (std::size_t j = i + 1; j <= count_; ++j) begins_[j] = begins_[j + 1];
    if (i > 0) look_up(i - 1);
    if (i + 1 < count_) look_up(i);
  }

  void look_up(std::size_t i) noexcept {
    results_[i] = merges_.merged(symbols_[i], symbols_[i + 1]);
    urgencies_[i] = merges_.urgency(results_[i]);
  }

  const MergeTable& merges_;
  std::string_view text_;
  std::size_t count_ = 0;
  std::array<int, kMaxCharacters> symbols_ = {};
  std::array<std::uint32_t, kMaxCharacters + 1> begins_ = {};
  std::array<TokenId, kMaxCharacters> results_ = {};          // of merging i and i + 1
  std::array<std::uint32_t, kMaxCharacters> urgencies_ = {};  // of that merge
};

}  // namespace gemma2
