// SPDX-License-Identifier: Apache-2.0
#include "input.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "exit_status.h"
#include "report.h"

namespace gemma2::cli {
namespace {

constexpr std::size_t kReadSize = 65'536;

// A context holds 131072 tokens at most; a longer text is a mistake, or a device that never ends.
constexpr std::size_t kLongestPrompt = std::size_t{64} << 20U;

/// Reads once, restarting after signals; 0 at the end.
std::size_t read_some(int descriptor, char* data, std::size_t size) {
  for (;;) {
    const ssize_t count = ::read(descriptor, data, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) {
      throw Failure(kRuntimeError, fmt::format("cannot read the input: {}", std::strerror(errno)));
    }
  }
}

std::string read_all(const std::string& path) {
  const InputFile file(path);
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kReadSize);
    const std::size_t count = read_some(file.descriptor(), text.data() + before, kReadSize);
    text.resize(before + count);
    if (count == 0) return text;
    if (text.size() > kLongestPrompt) {
      throw Failure(
          kRuntimeError,
          fmt::format("{}: expected at most {} bytes of prompt, found more", path, kLongestPrompt));
    }
  }
}

/// Bytes of the well-formed UTF-8 character that `text` begins with; 0 if it does not.
std::size_t character_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned second = at(1);  // no overlong forms, no surrogates, nothing above U+10FFFF
  if (lead == 0xE0 && second < 0xA0) return 0;
  if (lead == 0xED && second > 0x9F) return 0;
  if (lead == 0xF0 && second < 0x90) return 0;
  if (lead == 0xF4 && second > 0x8F) return 0;
  return length;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string read_text(const Settings& settings) {
  if (settings.prompt) return settings.unescape ? unescape(*settings.prompt) : *settings.prompt;
  std::string text = read_all(settings.prompt_file.value_or("-"));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

bool LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kReadSize);
  buffer_.resize(before + read_some(descriptor_, buffer_.data() + before, kReadSize));
  return buffer_.size() > before;
}

bool LineReader::next(std::string& line) {
  std::size_t searched = begin_;
  for (;;) {
    const std::size_t newline = buffer_.find('\n', searched);
    if (newline != std::string::npos) {
      line.assign(buffer_, begin_, newline - begin_);
      begin_ = newline + 1;
      return true;
    }
    const std::size_t kept = buffer_.size() - begin_;
    if (!fill()) {
      line = std::move(buffer_);
      buffer_.clear();
      return !line.empty();
    }
    searched = kept;
  }
}

InputFile::InputFile(const std::string& path)
    : descriptor_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    throw Failure(kRuntimeError, fmt::format("{}: {}", path, std::strerror(errno)));
  }
}

InputFile::~InputFile() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

RepairedText repair_utf8(std::string_view bytes) {
  RepairedText out;
  out.text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    if (length == 0) {
      out.text += "\xEF\xBF\xBD";
      ++out.replaced;
    } else {
      out.text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string unescape(std::string_view text) {
  constexpr std::string_view kNames = "ntr\\\"'";
  constexpr std::string_view kValues = "\n\t\r\\\"'";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const std::size_t name = rest.size() > 1 ? kNames.find(rest[1]) : std::string_view::npos;
    if (rest[0] == '\\' && name != std::string_view::npos) {
      out += kValues[name];
      i += 1;
    } else if (rest.starts_with("\\x") && rest.size() > 3 && hex_digit(rest[2]) >= 0 &&
               hex_digit(rest[3]) >= 0) {
      out += static_cast<char>(hex_digit(rest[2]) * 16 + hex_digit(rest[3]));
      i += 3;
    } else {
      out += rest[0];
    }
  }
  return out;
}

std::string to_utf8(const Settings& settings, std::string_view what, std::string_view bytes) {
  RepairedText repaired = repair_utf8(bytes);
  if (repaired.replaced != 0) {
    note(settings, "{}: {} bytes that are not UTF-8 were replaced by U+FFFD", what,
         repaired.replaced);
  }
  return std::move(repaired.text);
}

std::string read_prompt(const Settings& settings) {
  const bool from_terminal =
      !settings.prompt && settings.prompt_file.value_or("-") == "-" && ::isatty(STDIN_FILENO) != 0;
  if (from_terminal) note(settings, "reading the prompt from the terminal; Ctrl-D ends it");
  std::string text = to_utf8(settings, "prompt", read_text(settings));
  if (text.empty()) {
    throw UsageError(
        "empty prompt: give one with -p or -f ('<bos>' with --parse-special starts "
        "from nothing)");
  }
  return text;
}

std::string read_system_prompt(const Settings& settings) {
  const bool chat = settings.mode == Mode::chat;
  const bool prompt = settings.prompt || settings.prompt_file;
  if (chat && prompt && settings.system_prompt) {
    throw UsageError("in --chat, -p and -f are the system prompt: expected no -sys beside them");
  }
  std::string text;
  if (settings.system_prompt) {
    text = settings.unescape ? unescape(*settings.system_prompt) : *settings.system_prompt;
  } else if (chat && prompt) {
    text = read_text(settings);
  }
  return to_utf8(settings, "system prompt", text);
}

}  // namespace gemma2::cli
