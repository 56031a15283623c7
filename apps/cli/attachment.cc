// SPDX-License-Identifier: Apache-2.0
#include "attachment.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "exit_status.h"
#include "input.h"

namespace gemma2::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void reject(const std::string& path, std::string_view expected,
                         std::string_view found) {
  throw Failure(kRuntimeError, fmt::format("{}: expected {}, found {}", path, expected, found));
}

std::string_view kind_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a directory";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    case fs::file_type::character:
    case fs::file_type::block:
      return "a device";
    default:
      return "another kind of file";
  }
}

/// Backticks of the longest run of them.
std::size_t longest_fence(std::string_view text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

std::uint64_t regular_file_size(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    const std::string reason = error ? error.message() : "No such file or directory";
    throw Failure(kRuntimeError, fmt::format("{}: {}", path, reason));
  }
  if (!fs::is_regular_file(status)) reject(path, "a regular file", kind_of(status.type()));
  const std::uint64_t size = fs::file_size(path, error);
  if (error) throw Failure(kRuntimeError, fmt::format("{}: {}", path, error.message()));
  return size;
}

std::string read_text_file(const std::string& path) {
  const std::uint64_t size = regular_file_size(path);
  if (size > kLongestAttachment) {
    reject(path, fmt::format("at most {} bytes", kLongestAttachment), fmt::to_string(size));
  }
  std::string text(size, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(size));
  if (!file.is_open()) throw Failure(kRuntimeError, fmt::format("{}: cannot be read", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.empty()) reject(path, "text", "an empty file");
  if (const std::size_t zero = text.find('\0'); zero != std::string::npos) {
    reject(path, "text", fmt::format("a zero byte at offset {}", zero));
  }
  if (const std::size_t bad = repair_utf8(text).replaced; bad != 0) {
    reject(path, "UTF-8 text", fmt::format("{} bytes that are not", bad));
  }
  return text;
}

std::string quote_file(std::string_view name, std::string_view text) {
  const std::string fence(std::max<std::size_t>(3, longest_fence(text) + 1), '`');
  const std::string_view end = text.ends_with('\n') ? "" : "\n";
  return fmt::format("File {}:\n{}\n{}{}{}\n\n", name, fence, text, end, fence);
}

}  // namespace gemma2::cli
