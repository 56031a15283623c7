// SPDX-License-Identifier: Apache-2.0
//
// Every single allocation of opening a checkpoint fails once: that is an Error(out_of_memory), not
// a crash, and the next attempt works.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "quant/checkpoint.h"
#include "support/allocation_meter.h"
#include "support/temp_dir.h"
#include "support/tiny_gguf.h"

namespace gemma2 {
namespace {

/// How many attempts ended with out_of_memory before one met no failing allocation.
std::size_t fail_each_allocation(const std::function<void()>& open) {
  for (std::size_t nth = 1;; ++nth) {
    test::fail_allocation(nth);
    try {
      open();
      test::fail_allocation(0);
      return nth - 1;
    } catch (const Error& error) {
      test::fail_allocation(0);
      EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::out_of_memory))
          << "allocation " << nth << ": " << error.what();
    }
    open();
  }
}

TEST(OutOfMemory, AGgufInMemory) {
  const auto bytes = test::tiny_gguf({.layers = 1});
  EXPECT_GT(fail_each_allocation([&] { (void)Checkpoint::from_bytes(bytes, "tiny"); }), 100U);
}

TEST(OutOfMemory, AGgufFile) {
  const test::TempDir dir;
  const auto path = dir / "model.gguf";
  test::write_file(path, test::tiny_gguf({.layers = 1}));
  EXPECT_GT(fail_each_allocation([&] { (void)Checkpoint::open(path); }), 100U);
}

}  // namespace
}  // namespace gemma2
