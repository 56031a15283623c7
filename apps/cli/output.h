// SPDX-License-Identifier: Apache-2.0
//
// Standard output: generated text and results, and nothing else. Written as soon as it exists on a
// terminal, in pieces of 4 KiB elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace gemma2::cli {

/// The reader went away: ends the program quietly.
struct BrokenPipe {};

class Output {
 public:
  /// `raw`: control characters reach a terminal as they are. A model may write terminal commands
  /// that it was told or learnt, so by default they are shown as \x1b.
  explicit Output(bool raw = false);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Throws BrokenPipe, Failure.
  void write(std::string_view text);
  void flush();

  [[nodiscard]] bool is_terminal() const { return terminal_; }

  /// On a terminal, ends the line if it is not empty: the shell's prompt comes next.
  void end_line();

 private:
  bool terminal_;
  bool escape_;
  bool at_line_start_ = true;
  std::string buffer_ = {};
};

/// Text of whole UTF-8 characters with every control character but newline and tab as \xHH.
[[nodiscard]] std::string escape_controls(std::string_view text);

/// The same with newlines as \n: for messages and tables.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace gemma2::cli
