// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/piece_matcher.h"

#include <algorithm>
#include <cstddef>

namespace gemma2 {

PieceMatcher::PieceMatcher(std::vector<std::pair<std::string, TokenId>> pieces)
    : pieces_(std::move(pieces)) {
  std::sort(pieces_.begin(), pieces_.end());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const std::string& text = pieces_[i].first;
    Group& group = groups_[static_cast<unsigned char>(text[0])];
    if (group.count == 0) {
      group = {static_cast<std::uint32_t>(i), 1, static_cast<std::uint32_t>(text.size())};
      continue;
    }
    ++group.count;
    const std::string& other = pieces_[group.first].first;
    const std::size_t longest = std::min<std::size_t>(group.common, text.size());
    const auto same =
        std::mismatch(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(longest),
                      other.begin())
            .first;
    group.common = static_cast<std::uint32_t>(same - text.begin());
  }
}

PieceMatcher::Match PieceMatcher::longest(std::string_view text) const noexcept {
  const Group& group = groups_[static_cast<unsigned char>(text[0])];
  if (group.count == 0 || text.size() < group.common) return {};
  const auto* low = pieces_.data() + group.first;
  const auto* high = low + group.count;
  if (text.compare(0, group.common, low->first, 0, group.common) != 0) return {};
  Match best;
  for (std::size_t depth = group.common;; ++depth) {
    // All of [low, high) share the text's first `depth` bytes; one that ends here sorts first.
    if (low->first.size() == depth) {
      best = {low->second, static_cast<std::uint32_t>(depth)};
      ++low;
    }
    if (low == high || depth == text.size()) return best;
    const auto byte_at = [depth](const auto& piece) {
      return static_cast<unsigned char>(piece.first[depth]);
    };
    const auto byte = static_cast<unsigned char>(text[depth]);
    low = std::partition_point(low, high, [&](const auto& p) { return byte_at(p) < byte; });
    high = std::partition_point(low, high, [&](const auto& p) { return byte_at(p) == byte; });
    if (low == high) return best;
  }
}

}  // namespace gemma2
