// SPDX-License-Identifier: Apache-2.0
//
// How many tokens to draft. A step over 1 + k rows costs 1 + k * kRowCost plain steps; if each
// drafted token is right with probability p given that those before it are, it yields
// 1 + p + p^2 + ... + p^k tokens. The k with the best yield for its cost is drafted. p is learned
// from what became of earlier drafts, apart for short and long matches: the odds of a match of two
// tokens say nothing about one of twenty.
//
// Nothing here reads a clock: the length changes no token anyway, but so the counts that a user
// sees are the same in every run. What a measured row cost could add is little (a yield is flat
// around its best k); what the odds decide is much.
#pragma once

#include <array>

namespace gemma2 {

class DraftLength {
 public:
  explicit DraftLength(int most) noexcept : most_(most) {}

  /// Tokens to draft after a match of `match_length` tokens; 0: not worth the rows.
  [[nodiscard]] int choose(int match_length) noexcept;

  /// What became of a draft: `accepted` of `drafted` tokens were right.
  void record(int match_length, int drafted, int accepted) noexcept;

 private:
  static constexpr int kKinds = 5;
  static constexpr std::array<double, kKinds> kFirstGuess = {0.3, 0.5, 0.6, 0.75, 0.9};

  /// Of a match length: 2, 3, 4 to 7, 8 to 15, 16 and more.
  [[nodiscard]] static std::size_t kind_of(int match_length) noexcept;

  int most_;
  std::array<double, kKinds> odds_ = kFirstGuess;
};

}  // namespace gemma2
