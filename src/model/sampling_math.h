// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of sampling, written out so that a seed gives the same tokens on every machine:
// the standard's distributions and the exp() of a C library differ between systems in the last
// bit, and one bit decides which token a draw lands on. No state; every function is pure.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "gemma2/types.h"

namespace gemma2 {

/// A number in [0, 1) with 53 random bits that depends on the two arguments alone. Being keyed by
/// the position instead of drawn from a stream, it is the same after a rewind or a restore, and in
/// whatever batch the sequence is.
[[nodiscard]] double uniform01(std::uint64_t seed, std::uint64_t position) noexcept;

/// Replaces each x <= 0 by e^x, within 2 units in the last place; below -708 by e^-708, 3e-308.
void exp_nonpositive(std::span<double> x) noexcept;

[[nodiscard]] constexpr bool is_finite(float x) noexcept {
  constexpr std::uint32_t kExponent = 0x7F800000U;
  return (std::bit_cast<std::uint32_t>(x) & kExponent) != kExponent;
}

/// Throws Error(non_finite_logits): of `expected` logits, `found` are not finite.
[[noreturn]] void fail_non_finite(int expected, int found, TokenId first);

/// The same, counting them. `row`: not empty, of all tokens.
[[noreturn]] void fail_non_finite(std::span<const float> row);

/// The largest value. Throws Error(non_finite_logits) that counts the NaNs and infinities and names
/// the first, Error(invalid_argument) if there are none at all.
[[nodiscard]] float checked_max(std::span<const float> logits);

}  // namespace gemma2
