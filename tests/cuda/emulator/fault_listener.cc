// SPDX-License-Identifier: Apache-2.0
//
// Fails a test case in which the emulated card had a fault that nobody took.
#include <gtest/gtest.h>

#include "emulator.h"

namespace gemma2::emulator {
namespace {

class FaultListener : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo& /*info*/) override {
    for (const std::string& fault : take_faults()) ADD_FAILURE() << fault;
  }
};

// GoogleTest owns its listeners. It asks them last in, first out at the end of a test, so this one
// is heard before the result is printed.
const bool kListens = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new FaultListener);
  return true;
}();

}  // namespace
}  // namespace gemma2::emulator
