// SPDX-License-Identifier: Apache-2.0
#include "model/candidate_filters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/row_math.h"
#include "model/sampling_math.h"

namespace gemma2 {

namespace {

constexpr std::size_t kBlock = kRowBlock;

/// Elements of block b of a row.
template <typename T>
std::span<T> block_of(std::span<T> row, std::size_t b) noexcept {
  return row.subspan(b * kBlock, std::min(kBlock, row.size() - b * kBlock));
}

/// A logit that at least `count` logits reach: most blocks have none that does.
float reached_by(std::span<const float> maxima, std::size_t count) {
  if (count > maxima.size()) return -INFINITY;
  std::vector<float> sorted(maxima.begin(), maxima.end());
  const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(sorted.begin(), nth, sorted.end(), std::greater<>());
  return *nth;
}

}  // namespace

std::vector<TokenId> best_tokens(std::span<const float> logits, std::span<const float> maxima,
                                 int count) {
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
  const float floor = reached_by(maxima, wanted);
  float worst = -INFINITY;
  for (std::size_t b = 0; b < maxima.size(); ++b) {
    if (!(maxima[b] > worst) || maxima[b] < floor) continue;
    const std::span<const float> block = block_of(logits, b);
    for (std::size_t i = 0; i < block.size(); ++i) {
      // Equal to `worst` is worse too: the ids before this one are lower.
      if (!(block[i] > worst) || block[i] < floor) continue;
      best.push_back(static_cast<TokenId>(b * kBlock + i));
      if (best.size() < 2 * wanted) continue;
      drop_worse();
      worst = logits[static_cast<std::size_t>(best.back())];
    }
  }
  drop_worse();
  std::sort(best.begin(), best.end());
  return best;
}

std::vector<TokenId> best_tokens(std::span<const float> logits, int count) {
  std::vector<float> maxima(count_row_blocks(logits.size()));
  block_maxima(maxima, logits);
  return best_tokens(logits, maxima, count);
}

std::size_t first_largest(std::span<const float> logits, std::span<const float> maxima) noexcept {
  const auto block = static_cast<std::size_t>(std::max_element(maxima.begin(), maxima.end()) -
                                              maxima.begin());  // the first of equals
  const std::span<const float> values = block_of(logits, block);
  return block * kBlock +
         static_cast<std::size_t>(std::find(values.begin(), values.end(), maxima[block]) -
                                  values.begin());
}

TokenId best_token(std::span<const float> logits, int allowed) {
  std::vector<float> maxima(count_row_blocks(logits.size()));
  if (!block_maxima(maxima, logits)) {
    const auto is_nan = [](float x) { return std::isnan(x); };
    const auto first = std::find_if(logits.begin(), logits.end(), is_nan);
    if (first != logits.end()) {
      fail_non_finite(allowed, static_cast<int>(std::count_if(first, logits.end(), is_nan)),
                      static_cast<TokenId>(first - logits.begin()));
    }
  }
  return static_cast<TokenId>(first_largest(logits, maxima));
}

}  // namespace gemma2
