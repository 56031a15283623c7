// SPDX-License-Identifier: Apache-2.0
//
// The command line that a bundle or a .llamafile carries: one argument a line, "..." where those of
// the real command line go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "settings.h"

namespace gemma2::cli {

struct Presets {
  std::vector<std::string> before = {};  // the command line's own arguments
  std::vector<std::string> after = {};
  std::vector<std::string> unknown = {};  // what this program does not do
  std::string model = {};                 // behind -m
};

/// What of `text` concerns `command`. Options of other commands are left out.
[[nodiscard]] Presets read_presets(std::string_view text, Command command);

/// Reads a command line and, before it, what this program's own file and the model carry.
/// Throws UsageError, Failure.
[[nodiscard]] Settings read_command_line(const std::vector<std::string>& arguments);

}  // namespace gemma2::cli
