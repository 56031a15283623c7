// SPDX-License-Identifier: Apache-2.0
//
// Built with -ffp-contract=off: a compiler may not fuse a product and a sum on one machine only.
#include "model/sampling_math.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <vector>

#include "check.h"
#include "kernels/row_math.h"

namespace gemma2 {

namespace {

/// A bijection of 64 bits in which each bit of x moves every other one with probability 1/2: two
/// rounds of xor-shift and an odd multiplier (the finaliser of the SplitMix64 generator).
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

/// 2^64 / golden ratio: its multiples are spread evenly, so neighbouring keys start far apart.
constexpr std::uint64_t kWeyl = 0x9E3779B97F4A7C15U;

constexpr double kSmallest = -708;  // e^-708 is just above the smallest normal number

/// Without a branch, so that the loop over it becomes vector code.
inline double exp_one(double x) noexcept {
  constexpr double kLog2E = 0x1.71547652b82fep0;
  constexpr double kLn2High = 0x1.62e42fefa38p-1;  // 42 bits: n * kLn2High is exact for |n| < 2^11
  constexpr double kLn2Low = 0x1.ef35793c7673p-45;
  constexpr double kToInteger = 0x1.8p52;  // adding it leaves the rounded integer in the low bits

  const double clamped = x > kSmallest ? x : kSmallest;
  const double shifted = clamped * kLog2E + kToInteger;
  const double n = shifted - kToInteger;
  const double r = (clamped - n * kLn2High) - n * kLn2Low;  // |r| <= ln(2) / 2
  // The series of e^r: the first term left out, r^14 / 14!, is below 5e-18.
  double sum = 1.0 / 6227020800;
  sum = sum * r + 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1;
  sum = sum * r + 1;
  const std::uint64_t exponent = (std::bit_cast<std::uint64_t>(shifted) + 1023) << 52;
  return sum * std::bit_cast<double>(exponent);
}

}  // namespace

double uniform01(std::uint64_t seed, std::uint64_t position) noexcept {
  // SplitMix64, jumped to the position. The seed is mixed before, so that nearby seeds do not give
  // one sequence, shifted.
  const std::uint64_t start = mix(seed + kWeyl);
  const std::uint64_t bits = mix(start + (position + 1) * kWeyl);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

void exp_nonpositive(std::span<double> x) noexcept {
  for (double& value : x) value = exp_one(value);
}

void fail_non_finite(int expected, int found, TokenId first) {
  fail(ErrorCode::non_finite_logits,
       "logits: expected {} finite numbers, found {} that are not, the first at token {}", expected,
       found, first);
}

void fail_non_finite(std::span<const float> row) {
  const auto first = std::find_if_not(row.begin(), row.end(), is_finite);
  const auto count = std::count_if(first, row.end(), [](float x) { return !is_finite(x); });
  fail_non_finite(static_cast<int>(row.size()), static_cast<int>(count),
                  static_cast<TokenId>(first - row.begin()));
}

float checked_max(std::span<const float> logits) {
  require(!logits.empty(), ErrorCode::invalid_argument,
          "logits: expected one number for each token, found none");
  std::vector<float> maxima(count_row_blocks(logits.size()));
  if (!block_maxima(maxima, logits)) fail_non_finite(logits);
  return *std::max_element(maxima.begin(), maxima.end());
}

}  // namespace gemma2
