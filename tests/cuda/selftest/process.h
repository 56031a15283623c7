// SPDX-License-Identifier: Apache-2.0
//
// Each section is a process of its own: a card that is lost, a crash or a kernel that never ends
// takes only its section with it.
#pragma once

#include <string>
#include <vector>

namespace gemma2::selftest {

struct Ended {
  bool in_time = true;
  int exit_code = -1;  // negative: none
  int signal = 0;
};

/// Runs this program again with these arguments; ends it after `seconds`.
[[nodiscard]] Ended run_self(const std::vector<std::string>& arguments, double seconds);

}  // namespace gemma2::selftest
