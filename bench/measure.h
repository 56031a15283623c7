// SPDX-License-Identifier: Apache-2.0
//
// What benchmarks of whole models share: time, medians of rounds that take turns, and prompts.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gemma2/types.h"

namespace gemma2::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// "0.98 (0.95 to 1.01)": the median and the range of a[i] / b[i], which were measured in one
/// round.
inline std::string ratio_text(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", median(ratios), *least, *most);
}

/// Any ids of a vocabulary; the same for a seed in every run.
inline std::vector<TokenId> random_tokens(int vocab_size, int count, int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::uniform_int_distribution<TokenId> token(0, vocab_size - 1);
  std::vector<TokenId> tokens(static_cast<std::size_t>(count));
  for (TokenId& t : tokens) t = token(random);
  return tokens;
}

}  // namespace gemma2::bench
