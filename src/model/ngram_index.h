// SPDX-License-Identifier: Apache-2.0
//
// Where in a text its last tokens stood before. What followed there is a good guess at what follows
// now when a text quotes, edits or repeats itself. Hash chains as in LZ77 compressors: three orders
// (the last 4, 3 and 2 tokens), each a table of the latest places and, for every place, a link to
// the one before. Both grow with the text; a token costs three table writes, a look-up reads at
// most a few dozen places, whatever the text is.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

class NgramIndex {
 public:
  static constexpr int kLongestOrder = 4;
  static constexpr int kShortestOrder = 2;  // one token says too little about the next

  /// An earlier place where the text read as it does at its end.
  struct Match {
    int next = 0;    // index of the token that followed there
    int length = 0;  // tokens that agree, at most kLongestMatch; 0: no such place
  };

  /// Agreement beyond this many tokens is not told apart: it bounds the cost of a look-up.
  static constexpr int kLongestMatch = 32;

  void append(TokenId token);

  /// The place that agrees in most tokens, the latest of equals. Of each order's places the latest
  /// kCandidates are looked at.
  [[nodiscard]] Match find() const;

  /// The `count` tokens after a place. Where the text ends they go on with themselves, so that a
  /// period shorter than `count` is repeated as often as it takes. match.length > 0.
  [[nodiscard]] std::vector<TokenId> continuation(const Match& match, int count) const;

  [[nodiscard]] int size() const noexcept { return static_cast<int>(tokens_.size()); }

 private:
  static constexpr int kCandidates = 16;

  /// All places of one order; a place is the index of an n-gram's last token, -1 is none.
  struct Chains {
    std::vector<int> latest;    // by hash; a power of two, at least twice the text's length
    std::vector<int> previous;  // by place: the one before with the same hash
  };

  [[nodiscard]] std::size_t slot_of(const Chains& chains, int order, int place) const noexcept;
  void add(Chains& chains, int order, int place) const;
  void grow();
  [[nodiscard]] int agreement(int place) const noexcept;

  std::vector<TokenId> tokens_;
  std::array<Chains, kLongestOrder - kShortestOrder + 1> chains_;
};

}  // namespace gemma2
