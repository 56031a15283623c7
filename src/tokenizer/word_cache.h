// SPDX-License-Identifier: Apache-2.0
//
// The words of one encode() and their ids. Prose repeats itself: nine words in ten are found here
// and cost two comparisons. Direct-mapped, at most 8192 slots of 48 bytes; the newcomer wins.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 15;
  static constexpr std::size_t kMaxIds = 5;

  /// A word of 1..kMaxBytes bytes, zeros behind it; the last byte is its length.
  struct Key {
    std::uint64_t low = 0, high = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  explicit WordCache(std::size_t text_bytes)
      : entries_(std::bit_ceil(std::clamp<std::size_t>(text_bytes / 16, 16, 8192))),
        shift_(64U - static_cast<unsigned>(std::countr_zero(entries_.size()))) {}

  /// 16 bytes must be readable from the word's beginning.
  [[nodiscard]] static Key key_of(std::string_view word) noexcept {
    Key key;
    std::memcpy(&key.low, word.data(), 8);
    std::memcpy(&key.high, word.data() + 8, 8);
    const std::size_t size = word.size();
    if (size < 8) {
      key.low &= (std::uint64_t{1} << (8 * size)) - 1;
      key.high = 0;
    } else {
      key.high &= (std::uint64_t{1} << (8 * (size - 8))) - 1;
    }
    key.high |= static_cast<std::uint64_t>(size) << 56U;
    return key;
  }

  /// Appends the ids of the word if they are known.
  [[nodiscard]] bool append(const Key& key, std::vector<TokenId>& ids) const {
    const Entry& entry = entries_[slot(key)];
    if (entry.key != key) return false;
    ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
    return true;
  }

  void remember(const Key& key, std::span<const TokenId> ids) noexcept {
    if (ids.size() > kMaxIds) return;
    Entry& entry = entries_[slot(key)];
    entry.key = key;
    entry.count = static_cast<std::uint32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), entry.ids.begin());
  }

 private:
  struct Entry {
    Key key;  // zero, and so no word's, while the entry is empty
    std::array<TokenId, kMaxIds> ids = {};
    std::uint32_t count = 0;
  };

  [[nodiscard]] std::size_t slot(const Key& key) const noexcept {
    const std::uint64_t mixed = (key.low ^ std::rotr(key.high, 23)) * 0x9E3779B97F4A7C15U;
    return static_cast<std::size_t>((mixed ^ mixed >> 29U) * 0xBF58476D1CE4E5B9U >> shift_);
  }

  std::vector<Entry> entries_;
  unsigned shift_;
};

}  // namespace gemma2
