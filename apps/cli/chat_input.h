// SPDX-License-Identifier: Apache-2.0
//
// Lines for a chat: from the line editor where there are terminals, else as they come.
#pragma once

#include <memory>
#include <string>

#include "history_file.h"
#include "input.h"
#include "line_editor.h"

namespace gemma2::cli {

class ChatInput {
 public:
  /// Reads the history unless it is not wanted or there is no terminal.
  explicit ChatInput(const Settings& settings);

  /// Whether somebody sits at it: standard input is a terminal.
  [[nodiscard]] bool is_interactive() const { return interactive_; }

  /// The next line without its end; false at the end of the input. Throws Interrupted, Failure.
  [[nodiscard]] bool next(const Prompt& prompt, std::string& line);

 private:
  [[nodiscard]] bool read_plain(const Prompt& prompt, std::string& line);
  [[nodiscard]] bool read_edited(const Prompt& prompt, std::string& line);
  [[nodiscard]] bool take_typed_ahead();

  bool interactive_;
  std::FILE* screen_ = nullptr;  // where the prompt goes: a terminal
  LineReader lines_;
  std::unique_ptr<LineEditor> editor_ = nullptr;
  std::string typed_ahead_ = {};
  std::unique_ptr<HistoryFile> history_ = nullptr;
  std::string previous_ = {};
};

}  // namespace gemma2::cli
