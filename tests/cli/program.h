// SPDX-License-Identifier: Apache-2.0
//
// Runs gemma2-cli as a child process and collects what it writes.
#pragma once

#include <string>
#include <vector>

namespace gemma2::test {

struct ProgramResult {
  int status = -1;  // the exit status, or 128 + the signal
  std::string out = {};
  std::string err = {};
};

/// `input` is its standard input. Neither shell nor terminal is involved.
[[nodiscard]] ProgramResult run_cli(const std::vector<std::string>& arguments,
                                    const std::string& input = {});

}  // namespace gemma2::test
