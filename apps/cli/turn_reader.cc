// SPDX-License-Identifier: Apache-2.0
#include "turn_reader.h"

#include <string_view>

namespace gemma2::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";
constexpr std::string_view kBlank = " \t\r";

std::string_view without_trailing_blanks(std::string_view line) {
  return line.substr(0, line.find_last_not_of(kBlank) + 1);
}

}  // namespace

bool TurnReader::next(Turn& turn) {
  std::string line;
  if (!source_(line, /*continued=*/false)) return false;
  const std::string_view trimmed = without_trailing_blanks(line);
  turn.is_command = trimmed.starts_with('/');
  if (turn.is_command || trimmed.empty()) {
    turn.text = trimmed;
  } else if (line.starts_with(kQuotes)) {
    turn.text = read_block(std::string_view(line).substr(kQuotes.size()));
  } else {
    turn.text = read_joined(std::move(line));
  }
  return true;
}

std::string TurnReader::read_block(std::string_view first) {
  std::string text;
  std::string line(first);
  bool is_first = true;
  do {
    const std::string_view trimmed = without_trailing_blanks(line);
    const bool last = trimmed.ends_with(kQuotes);
    const std::string_view content =
        last ? trimmed.substr(0, trimmed.size() - kQuotes.size()) : std::string_view(line);
    // The quotes may have lines of their own, which are no part of the text.
    const bool only_quotes = content.empty() && (is_first || last);
    if (!only_quotes) text += content;
    if (last) {
      if (only_quotes && text.ends_with('\n')) text.pop_back();
      return text;
    }
    if (!only_quotes) text += '\n';
    is_first = false;
  } while (source_(line, /*continued=*/true));
  return text;
}

std::string TurnReader::read_joined(std::string line) {
  std::string text;
  for (;;) {
    const std::string_view trimmed = without_trailing_blanks(line);
    const bool marked = trimmed.ends_with('\\');
    text += marked ? trimmed.substr(0, trimmed.size() - 1) : std::string_view(line);
    if (marked == multiline_ || !source_(line, /*continued=*/true)) return text;
    text += '\n';
  }
}

}  // namespace gemma2::cli
