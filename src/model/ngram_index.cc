// SPDX-License-Identifier: Apache-2.0
#include "model/ngram_index.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace gemma2 {
namespace {

constexpr std::size_t kFirstSlots = 1024;

}  // namespace

void NgramIndex::append(TokenId token) {
  tokens_.push_back(token);
  if (2 * tokens_.size() > chains_[0].latest.size()) {
    grow();
    return;
  }
  for (int order = kShortestOrder; order <= kLongestOrder; ++order) {
    add(chains_[static_cast<std::size_t>(order - kShortestOrder)], order, size() - 1);
  }
}

/// Doubles the tables and enters everything anew: amortized, a constant number of writes a token.
void NgramIndex::grow() {
  const std::size_t slots = std::max(kFirstSlots, 2 * chains_[0].latest.size());
  for (int order = kShortestOrder; order <= kLongestOrder; ++order) {
    Chains& chains = chains_[static_cast<std::size_t>(order - kShortestOrder)];
    chains.latest.assign(slots, -1);
    chains.previous.clear();
    for (int place = 0; place < size(); ++place) add(chains, order, place);
  }
}

std::size_t NgramIndex::slot_of(const Chains& chains, int order, int place) const noexcept {
  std::uint64_t hash = 0;
  for (int i = place - order + 1; i <= place; ++i) {
    hash = (hash ^ static_cast<std::uint32_t>(tokens_[static_cast<std::size_t>(i)])) *
           0x9E3779B97F4A7C15U;  // 2^64 / golden ratio: spreads ids that lie close together
    hash ^= hash >> 32;
  }
  return hash & (chains.latest.size() - 1);
}

void NgramIndex::add(Chains& chains, int order, int place) const {
  if (place + 1 < order) {
    chains.previous.push_back(-1);
    return;
  }
  int& latest = chains.latest[slot_of(chains, order, place)];
  chains.previous.push_back(latest);
  latest = place;
}

/// How many tokens up to and including `place` are the same as at the end.
int NgramIndex::agreement(int place) const noexcept {
  const int most = std::min(place + 1, kLongestMatch);
  int length = 0;
  while (length < most && tokens_[static_cast<std::size_t>(place - length)] ==
                              tokens_[static_cast<std::size_t>(size() - 1 - length)]) {
    ++length;
  }
  return length;
}

NgramIndex::Match NgramIndex::find() const {
  Match best;
  // A place that agrees in n tokens is in the chains of order n and below, so a shorter order can
  // only add something if no longer one found anything.
  for (int order = kLongestOrder; order >= kShortestOrder && best.length == 0; --order) {
    if (size() <= order) continue;
    const Chains& chains = chains_[static_cast<std::size_t>(order - kShortestOrder)];
    int place = chains.previous.back();
    for (int i = 0; i < kCandidates && place >= 0; ++i) {
      const int length = agreement(place);  // less than `order` if only the hash agrees
      if (length >= order && length > best.length) best = {.next = place + 1, .length = length};
      if (best.length == kLongestMatch) break;
      place = chains.previous[static_cast<std::size_t>(place)];
    }
  }
  return best;
}

std::vector<TokenId> NgramIndex::continuation(const Match& match, int count) const {
  assert(match.length > 0 && match.next > 0 && match.next < size());
  std::vector<TokenId> tokens;
  tokens.reserve(static_cast<std::size_t>(count));
  const auto known = static_cast<std::size_t>(size() - match.next);  // > 0: earlier than the end
  const auto next = static_cast<std::size_t>(match.next);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    tokens.push_back(i < known ? tokens_[next + i] : tokens[i - known]);
  }
  return tokens;
}

}  // namespace gemma2
