// SPDX-License-Identifier: Apache-2.0
#include "checked_math.h"

#include <random>

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

__extension__ using Wide = unsigned __int128;

/// Random numbers of all magnitudes: a 64-bit uniform is nearly always above 2^60.
std::uint64_t any_size(std::mt19937_64& random) {
  return random() >> (random() % 64);
}

TEST(CheckedMath, AgreesWithWideArithmetic) {
  std::mt19937_64 random(7);
  const Wide limit = std::numeric_limits<std::uint64_t>::max();
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t a = any_size(random);
    const std::uint64_t b = any_size(random);
    const Wide sum = static_cast<Wide>(a) + b;
    const Wide product = static_cast<Wide>(a) * b;
    ASSERT_EQ(checked_add(a, b).has_value(), sum <= limit);
    ASSERT_EQ(checked_mul(a, b).has_value(), product <= limit);
    if (sum <= limit) {
      ASSERT_EQ(*checked_add(a, b), static_cast<std::uint64_t>(sum));
    }
    if (product <= limit) {
      ASSERT_EQ(*checked_mul(a, b), static_cast<std::uint64_t>(product));
    }
  }
}

TEST(CheckedMath, AlignsUp) {
  EXPECT_EQ(checked_align_up(0, 32), 0U);
  EXPECT_EQ(checked_align_up(1, 32), 32U);
  EXPECT_EQ(checked_align_up(64, 32), 64U);
  EXPECT_EQ(checked_align_up(std::numeric_limits<std::uint64_t>::max() - 3, 32), std::nullopt);
  EXPECT_EQ(round_up(17, 16), 32);
  EXPECT_EQ(ceil_div(17, 16), 2);
}

}  // namespace
}  // namespace gemma2
