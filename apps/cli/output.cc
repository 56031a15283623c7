// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

#include "exit_status.h"

namespace gemma2::cli {
namespace {

constexpr std::size_t kPipeBlock = 4096;

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EPIPE) {
      throw BrokenPipe{};
    } else if (errno != EINTR) {
      throw Failure(kRuntimeError,
                    fmt::format("cannot write standard output: {}", std::strerror(errno)));
    }
  }
}

}  // namespace

Output::Output(bool raw) : terminal_(::isatty(STDOUT_FILENO) != 0), escape_(terminal_ && !raw) {}

Output::~Output() {
  try {
    flush();
  } catch (...) {  // only reached on the way out of another error, which is the one to report
  }
}

void Output::write(std::string_view text) {
  if (text.empty()) return;
  buffer_ += escape_ ? escape_controls(text) : text;
  at_line_start_ = text.back() == '\n';
  if (terminal_ || buffer_.size() >= kPipeBlock) flush();
}

void Output::flush() {
  const std::string text = std::move(buffer_);
  buffer_.clear();
  write_all(text);
}

void Output::end_line() {
  if (terminal_ && !at_line_start_) write("\n");
}

std::string escape_controls(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c0 = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
    const bool c1 =
        c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    if (c0 || c1) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : escape_controls(text))
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out;
}

}  // namespace gemma2::cli
