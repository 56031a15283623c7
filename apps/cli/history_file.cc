// SPDX-License-Identifier: Apache-2.0
#include "history_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gemma2::cli {
namespace {

// What lies further back was not written by this program, which shortens the file in time.
constexpr off_t kMostBytes = off_t{4} << 20U;

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // a full disk costs the history, not the conversation
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string read_from(int file, off_t offset) {
  std::string text;
  char block[4096];
  for (;;) {
    const ssize_t count = ::pread(file, block, sizeof block, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(block, static_cast<std::size_t>(count));
    offset += count;
  }
}

}  // namespace

std::string escape_entry(std::string_view entry) {
  std::string line;
  for (const char c : entry) {
    if (c == '\\' || c == '\n') line += '\\';
    line += c == '\n' ? 'n' : c;
  }
  return line;
}

std::string unescape_entry(std::string_view line) {
  std::string entry;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escaped = line[i] == '\\' && i + 1 < line.size();
    if (escaped) ++i;
    entry += escaped && line[i] == 'n' ? '\n' : line[i];
  }
  return entry;
}

HistoryFile::HistoryFile(const std::string& path) {
  open(path);
  if (file_ < 0) return;
  read();
  if (entries_.size() > kHistoryEntries) shorten();
}

HistoryFile::~HistoryFile() {
  if (file_ >= 0) ::close(file_);
}

void HistoryFile::open(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe that somebody put there would wait for its other end.
  constexpr int kFlags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  file_ = ::open(path.c_str(), kFlags, 0600);
  if (file_ < 0) {
    problem_ = fmt::format(
        "{}: {}", path,
        errno == ELOOP ? "expected a file, found a symbolic link" : std::strerror(errno));
    return;
  }
  struct stat status {};
  if (::fstat(file_, &status) == 0 && S_ISREG(status.st_mode) && ::fchmod(file_, 0600) == 0) return;
  problem_ = fmt::format("{}: expected a regular file of one's own, found another kind", path);
  ::close(file_);
  file_ = -1;
}

void HistoryFile::read() {
  struct stat status {};
  ::fstat(file_, &status);
  const std::string text = read_from(file_, std::max<off_t>(0, status.st_size - kMostBytes));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) entries_.push_back(unescape_entry(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void HistoryFile::shorten() {
  entries_.erase(entries_.begin(), entries_.end() - static_cast<std::ptrdiff_t>(kHistoryEntries));
  std::string text;
  for (const std::string& entry : entries_) text += escape_entry(entry) + '\n';
  if (::ftruncate(file_, 0) == 0) write_all(file_, text);
}

void HistoryFile::append(std::string_view entry) {
  if (file_ >= 0) write_all(file_, escape_entry(entry) + '\n');
}

}  // namespace gemma2::cli
