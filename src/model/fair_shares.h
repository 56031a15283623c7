// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

namespace gemma2 {

/// Shares `budget` among those who need so much each: nobody gets more than they need, and whoever
/// gets less than that gets at least as much as anybody after them, and at most one less than
/// anybody before them. All of the budget goes as long as somebody needs it.
[[nodiscard]] std::vector<int> fair_shares(int budget, std::span<const int> needs);

}  // namespace gemma2
