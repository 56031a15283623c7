// SPDX-License-Identifier: Apache-2.0
#include "model/fair_shares.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace gemma2 {

std::vector<int> fair_shares(int budget, std::span<const int> needs) {
  std::vector<int> shares(needs.size());
  std::vector<std::size_t> open(needs.size());  // those who need more than there is, in order
  std::iota(open.begin(), open.end(), std::size_t{0});
  while (!open.empty()) {
    const int level = budget / static_cast<int>(open.size());
    const auto need_more = std::stable_partition(open.begin(), open.end(),
                                                 [&](std::size_t i) { return needs[i] > level; });
    if (need_more == open.end()) break;
    std::for_each(need_more, open.end(), [&](std::size_t i) {
      shares[i] = needs[i];
      budget -= needs[i];
    });
    open.erase(need_more, open.end());
  }
  auto left = static_cast<int>(open.size());
  for (const std::size_t i : open) {  // each needs more than its part, so one more is welcome
    shares[i] = (budget + left - 1) / left;
    budget -= shares[i];
    --left;
  }
  return shares;
}

}  // namespace gemma2
