// SPDX-License-Identifier: Apache-2.0
#include "malformed/try_load.h"

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "malformed/use_checkpoint.h"

namespace gemma2::test {

Outcome attempt(const std::function<void()>& body) {
  try {
    body();
    return std::nullopt;
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
    return error.what();
  }
}

Outcome try_gguf(std::span<const std::byte> bytes) {
  return attempt([&] { use_checkpoint(Checkpoint::from_bytes(bytes, "file")); });
}

}  // namespace gemma2::test
