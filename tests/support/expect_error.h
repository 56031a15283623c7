// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "gemma2/error.h"

namespace gemma2::test {

/// Expects `body` to throw Error(code) with `part` somewhere in its message.
template <typename Body>
void expect_error(ErrorCode code, const std::string& part, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << "expected '" << part << "' in: " << error.what();
    return;
  }
  ADD_FAILURE() << "expected an error with '" << part << "', found none";
}

}  // namespace gemma2::test
