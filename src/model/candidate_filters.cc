// SPDX-License-Identifier: Apache-2.0
#include "model/candidate_filters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace gemma2 {

namespace {

/// Weights are put into 32 buckets for each power of two below 1, best first; the last bucket also
/// takes what is below 2^-64, all of which together can not matter.
constexpr int kBuckets = 64 * 32;

int bucket_of(double weight) noexcept {
  constexpr int kMantissaBitsLeft = 5;
  constexpr int kShift = 52 - kMantissaBitsLeft;
  constexpr auto kOne = static_cast<int>(std::bit_cast<std::uint64_t>(1.0) >> kShift);
  return std::clamp(kOne - static_cast<int>(std::bit_cast<std::uint64_t>(weight) >> kShift), 0,
                    kBuckets - 1);
}

/// Keeps the candidates for which keep(index) is true, in their order.
template <typename Keep>
void compact(Candidates& candidates, const Keep& keep) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < candidates.ids.size(); ++i) {
    if (!keep(i)) continue;
    candidates.ids[kept] = candidates.ids[i];
    candidates.weights[kept] = candidates.weights[i];
    ++kept;
  }
  candidates.ids.resize(kept);
  candidates.weights.resize(kept);
}

/// Indices of the candidates in `bucket`, best first.
std::vector<std::size_t> sorted_bucket(const Candidates& candidates, int bucket) {
  const std::vector<double>& weights = candidates.weights;
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (bucket_of(weights[i]) == bucket) members.push_back(i);
  }
  std::sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
  });
  return members;
}

}  // namespace

std::vector<TokenId> best_tokens(std::span<const float> logits, int count) {
  const auto better = [&](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  // The best so far and as many again; when these fill up, the worse half goes. That is amortised
  // O(1) a token even if logits ascend, and mostly a single comparison with `worst`.
  const std::size_t wanted = std::min(static_cast<std::size_t>(count), logits.size());
  if (wanted == 0) return {};
  std::vector<TokenId> best;
  best.reserve(2 * wanted);
  const auto drop_worse = [&] {
    if (best.size() <= wanted) return;
    const auto last = best.begin() + static_cast<std::ptrdiff_t>(wanted - 1);
    std::nth_element(best.begin(), last, best.end(), better);
    best.resize(wanted);
  };
  float worst = -INFINITY;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > worst)) continue;  // equal is worse too: the ids before this one are lower
    best.push_back(static_cast<TokenId>(i));
    if (best.size() < 2 * wanted) continue;
    drop_worse();
    worst = logits[static_cast<std::size_t>(best.back())];
  }
  drop_worse();
  std::sort(best.begin(), best.end());
  return best;
}

void keep_top_p(Candidates& candidates, double top_p) {
  const std::vector<double>& weights = candidates.weights;
  std::array<double, kBuckets> mass = {};
  double total = 0;
  for (const double weight : weights) {
    mass[static_cast<std::size_t>(bucket_of(weight))] += weight;
    total += weight;
  }
  const double wanted = top_p * total;
  double before = 0;
  int cut = 0;
  for (; cut < kBuckets - 1; ++cut) {
    const double after = before + mass[static_cast<std::size_t>(cut)];
    if (after >= wanted) break;
    before = after;
  }
  // Everything in better buckets stays, everything in worse ones goes; only this one is sorted.
  const std::vector<std::size_t> members = sorted_bucket(candidates, cut);
  if (members.empty()) return;  // the sums' rounding left `wanted` out of reach: all stay
  std::size_t last = members[0];
  for (const std::size_t i : members) {
    if (before >= wanted) break;
    last = i;
    before += weights[i];
  }
  const double lowest = weights[last];
  compact(candidates, [&](std::size_t i) {
    return weights[i] > lowest || (weights[i] == lowest && i <= last);
  });
}

void keep_min_p(Candidates& candidates, double min_p) {
  compact(candidates, [&](std::size_t i) { return candidates.weights[i] >= min_p; });
}

}  // namespace gemma2
