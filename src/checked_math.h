// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic on sizes that come from files: overflow is a value, never a wrap.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace gemma2 {

[[nodiscard]] constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a,
                                                                 std::uint64_t b) noexcept {
  if (a > std::numeric_limits<std::uint64_t>::max() - b) return std::nullopt;
  return a + b;
}

[[nodiscard]] constexpr std::optional<std::uint64_t> checked_mul(std::uint64_t a,
                                                                 std::uint64_t b) noexcept {
  if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

/// Rounds up to a multiple of `alignment`, which must not be 0.
[[nodiscard]] constexpr std::optional<std::uint64_t> checked_align_up(
    std::uint64_t value, std::uint64_t alignment) noexcept {
  const std::uint64_t rest = value % alignment;
  return rest == 0 ? std::optional(value) : checked_add(value, alignment - rest);
}

/// For sizes of our own making, which can not overflow.
template <typename Int>
[[nodiscard]] constexpr Int round_up(Int value, Int multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

template <typename Int>
[[nodiscard]] constexpr Int ceil_div(Int value, Int divisor) noexcept {
  return (value + divisor - 1) / divisor;
}

}  // namespace gemma2
