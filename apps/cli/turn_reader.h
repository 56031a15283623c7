// SPDX-License-Identifier: Apache-2.0
//
// From lines to turns. A turn is one line, unless it says otherwise: a backslash at its end joins
// the next line, and """ opens a block that ends with """. With --multiline-input it is the other
// way round: a turn goes on until a line ends with a backslash.
#pragma once

#include <functional>
#include <string>

namespace gemma2::cli {

struct Turn {
  std::string text = {};
  bool is_command = false;  // it begins with a slash, outside a block
};

class TurnReader {
 public:
  /// Gives the next line without its newline; false at the end. `continued`: within a turn.
  using LineSource = std::function<bool(std::string& line, bool continued)>;

  TurnReader(LineSource source, bool multiline)
      : source_(std::move(source)), multiline_(multiline) {}

  /// false at the end. The end of the input ends an open turn, too. A blank line is an empty turn.
  [[nodiscard]] bool next(Turn& turn);

 private:
  [[nodiscard]] std::string read_block(std::string_view first);
  [[nodiscard]] std::string read_joined(std::string line);

  LineSource source_;
  bool multiline_;
};

}  // namespace gemma2::cli
