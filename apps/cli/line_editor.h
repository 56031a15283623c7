// SPDX-License-Identifier: Apache-2.0
//
// A line from a terminal, with editing, history and completion. line_editor.cc has it from libedit;
// no_line_editor.cc takes its place where that is missing, and then lines are plain.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gemma2::cli {

struct Prompt {
  std::string text = {};        // a space follows it
  std::string_view style = {};  // of style.h; empty: plain
  std::string right = {};       // shown at the right margin while there is room, faint
};

/// What could stand in the place of line[begin ..]: whole words.
struct Completions {
  std::size_t begin = 0;
  std::vector<std::string> words = {};
};

class LineEditor {
 public:
  /// The completions of what stands before the cursor.
  using Completer = std::function<Completions(std::string_view)>;

  /// Reads standard input and draws on `screen`, both terminals. Null: there is no such editor.
  [[nodiscard]] static std::unique_ptr<LineEditor> open(std::FILE* screen, Completer completer);

  LineEditor() = default;
  virtual ~LineEditor() = default;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// A line without its end; Ctrl-J puts newlines into it. `typed` is what was typed of it before.
  /// false: Ctrl-D on an empty line, or the terminal is gone. Throws Interrupted for Ctrl-C.
  [[nodiscard]] virtual bool read(const Prompt& prompt, const std::string& typed,
                                  std::string& line) = 0;

  /// Adds a line to those that the arrow keys bring back.
  virtual void remember(const std::string& line) = 0;
};

}  // namespace gemma2::cli
