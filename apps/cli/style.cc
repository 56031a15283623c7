// SPDX-License-Identifier: Apache-2.0
#include "style.h"

#include <cstdlib>

#include <fmt/format.h>

namespace gemma2::cli {
namespace {

/// The value of an environment variable; empty if it is not set, which means the same to all here.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

bool terminal_is_capable() {
  const std::string_view term = variable("TERM");
  return !term.empty() && term != "dumb";
}

bool wants_color(ColorMode mode, bool terminal) {
  if (mode != ColorMode::automatic) return mode == ColorMode::always;
  if (!variable("NO_COLOR").empty()) return false;  // no-color.org
  const std::string_view force = variable("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return terminal && terminal_is_capable();
}

std::string paint(bool color, std::string_view style, std::string_view text) {
  if (!color || style.empty()) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", style, text);
}

}  // namespace gemma2::cli
