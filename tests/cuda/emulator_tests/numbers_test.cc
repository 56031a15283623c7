// SPDX-License-Identifier: Apache-2.0
//
// The emulator's numbers of two bf16 each, and picked bytes.
#include <bit>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {
namespace {

TEST(EmulatedNumbers, BytesArePicked) {
  EXPECT_EQ(pick_bytes(0x33221100, 0x77665544, 0x7520), 0x77552200U);
  EXPECT_EQ(pick_bytes(0x83221100, 0x77665544, 0xB00F), 0xFF000000U);  // 8 and above: signs
}

TEST(EmulatedNumbers, Bf16IsRoundedToNearestEven) {
  EXPECT_EQ(pack_bf16(1.0F, -2.0F), 0xC0003F80U);
  EXPECT_EQ(pack_bf16(1.00390625F, 1.01171875F), 0x3F823F80U);  // two ties
  EXPECT_EQ(low_bf16(0xC0003F80U), 1.0F);
  EXPECT_EQ(high_bf16(0xC0003F80U), -2.0F);
}

/// Of numbers so close to each other that double has their sum exactly: no bf16 is nearer.
TEST(EmulatedNumbers, AnFmaOfBf16IsRoundedOnce) {
  std::mt19937 random(5);
  const auto any = [&random] {
    const auto bits = random();
    const auto exponent = 119 + (bits >> 16) % 16;
    return static_cast<std::uint32_t>((bits & 0x807FU) | exponent << 7);
  };
  for (int i = 0; i < 100000; ++i) {
    const std::uint32_t a = any();
    const std::uint32_t b = any();
    const std::uint32_t c = any();
    const auto exact = static_cast<double>(low_bf16(a)) * static_cast<double>(low_bf16(b)) +
                       static_cast<double>(low_bf16(c));
    const std::uint32_t found = fma_bf16(a, b, c) & 0xFFFFU;
    const auto error = [exact](std::uint32_t bits) {
      return std::fabs(static_cast<double>(low_bf16(bits)) - exact);
    };
    if (found % 0x8000U == 0) {
      EXPECT_EQ(error(found), 0.0);
      continue;
    }
    EXPECT_LE(error(found), error(found - 1));
    EXPECT_LE(error(found), error(found + 1));
    if (error(found) == error(found - 1) || error(found) == error(found + 1)) {
      EXPECT_EQ(found % 2, 0U);
    }
  }
}

}  // namespace
}  // namespace gemma2::cuda
