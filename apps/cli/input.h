// SPDX-License-Identifier: Apache-2.0
//
// Text that comes in: prompts, escapes, lines. Everything is bytes until repair_utf8 made it text.
#pragma once

#include <string>
#include <string_view>

#include "settings.h"

namespace gemma2::cli {

/// Lines of a file descriptor, read in large pieces, so memory is that of the longest line.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  /// The next line without its newline; false at the end. Throws Failure if reading fails.
  [[nodiscard]] bool next(std::string& line);

 private:
  [[nodiscard]] bool fill();

  int descriptor_;
  std::string buffer_ = {};
  std::size_t begin_ = 0;
};

/// A file opened for reading, or standard input for "-".
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

struct RepairedText {
  std::string text = {};
  std::size_t replaced = 0;  // bytes that were not UTF-8
};

/// Puts U+FFFD for each byte that is no part of a well-formed character, as the tokenizer would.
[[nodiscard]] RepairedText repair_utf8(std::string_view bytes);

/// Reads \n \t \r \\ \" \' \xHH; anything else after a backslash stays as it is.
[[nodiscard]] std::string unescape(std::string_view text);

/// The prompt of -p, -f or standard input as UTF-8. Throws Failure, UsageError if it is empty.
[[nodiscard]] std::string read_prompt(const Settings& settings);

/// The system prompt: -sys, or in a chat -p or -f; empty if there is none.
[[nodiscard]] std::string read_system_prompt(const Settings& settings);

/// repair_utf8 with a note on standard error if anything was replaced.
[[nodiscard]] std::string to_utf8(const Settings& settings, std::string_view what,
                                  std::string_view bytes);

}  // namespace gemma2::cli
