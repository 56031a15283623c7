// SPDX-License-Identifier: Apache-2.0
#include "aligned_buffer.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include "gemma2/error.h"

namespace gemma2 {
namespace {

TEST(AlignedBuffer, IsAlignedAndZero) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{63}, std::size_t{4096},
                                  (std::size_t{2} << 20) - 1, (std::size_t{2} << 20) + 5}) {
    const AlignedBuffer buffer(bytes);
    EXPECT_EQ(buffer.size(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + bytes,
                            [](std::byte b) { return b == std::byte{0}; }));
  }
}

TEST(AlignedBuffer, MovesItsMemory) {
  AlignedBuffer from(100);
  const std::byte* memory = from.data();
  AlignedBuffer to(std::move(from));
  EXPECT_EQ(to.data(), memory);
  AlignedBuffer third;
  third = std::move(to);
  EXPECT_EQ(third.data(), memory);
  EXPECT_EQ(AlignedBuffer().data(), nullptr);
}

TEST(AlignedBuffer, ReportsRefusedMemory) {
  try {
    const AlignedBuffer buffer(std::size_t{1} << 60);
    FAIL() << "an exbibyte was granted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_NE(std::string(error.what()).find("1152921504606846976"), std::string::npos);
  }
}

}  // namespace
}  // namespace gemma2
