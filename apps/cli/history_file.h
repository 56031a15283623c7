// SPDX-License-Identifier: Apache-2.0
//
// The lines typed at the prompt, one a line, oldest first, newlines and backslashes escaped. Lines
// are private: mode 0600, and the file is never reached through a link. It is opened once, and each
// line is one append, so two conversations at a time mix their lines but lose none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gemma2::cli {

inline constexpr std::size_t kHistoryEntries = 1024;

class HistoryFile {
 public:
  HistoryFile() = default;  // keeps nothing
  explicit HistoryFile(const std::string& path);
  ~HistoryFile();
  HistoryFile(const HistoryFile&) = delete;
  HistoryFile& operator=(const HistoryFile&) = delete;

  /// The last kHistoryEntries lines that were there when it was opened.
  [[nodiscard]] const std::vector<std::string>& entries() const { return entries_; }

  /// Why nothing is kept; empty if lines are, or were not to be.
  [[nodiscard]] const std::string& problem() const { return problem_; }

  void append(std::string_view entry);

 private:
  void open(const std::string& path);
  void read();
  void shorten();

  int file_ = -1;
  std::vector<std::string> entries_ = {};
  std::string problem_ = {};
};

[[nodiscard]] std::string escape_entry(std::string_view entry);
[[nodiscard]] std::string unescape_entry(std::string_view line);

}  // namespace gemma2::cli
