// SPDX-License-Identifier: Apache-2.0
#include "chat_input.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "chat_completion.h"
#include "output.h"
#include "report.h"
#include "style.h"
#include "user_folders.h"

namespace gemma2::cli {
namespace {

/// Standard error, because standard output is for the answers; if only that is a terminal, as under
/// 2>/dev/null, that one.
std::FILE* find_screen() {
  if (::isatty(STDERR_FILENO) != 0) return stderr;
  return ::isatty(STDOUT_FILENO) != 0 ? stdout : nullptr;
}

/// Whether reading would not wait.
bool is_input_waiting() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, 0) > 0;
}

}  // namespace

ChatInput::ChatInput(const Settings& settings)
    : interactive_(::isatty(STDIN_FILENO) != 0), lines_(STDIN_FILENO) {
  if (!interactive_) return;
  screen_ = find_screen();
  if (screen_ != nullptr) editor_ = LineEditor::open(screen_, complete_chat);
  if (editor_ == nullptr || !settings.keep_history) return;
  const std::string folder = state_folder();
  if (folder.empty()) return;
  history_ = std::make_unique<HistoryFile>(folder + "/history");
  if (!history_->problem().empty()) note(settings, "no history is kept: {}", history_->problem());
  for (const std::string& entry : history_->entries()) editor_->remember(entry);
}

bool ChatInput::read_plain(const Prompt& prompt, std::string& line) {
  if (screen_ != nullptr) {
    fmt::print(screen_, "{} ", prompt.text);
    std::fflush(screen_);
  }
  const bool found = lines_.next(line);
  if (screen_ != nullptr && !found) std::fputs("\n", screen_);
  return found;
}

/// What was typed while nobody was reading, as the terminal holds it: to the editor, the end of a
/// line in there would not look like the Enter key. false: it ends with the end of the input.
bool ChatInput::take_typed_ahead() {
  char block[4096];
  while (is_input_waiting()) {
    const ssize_t count = ::read(STDIN_FILENO, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    typed_ahead_.append(block, static_cast<std::size_t>(count));
  }
  return true;
}

bool ChatInput::read_edited(const Prompt& prompt, std::string& line) {
  const bool open = take_typed_ahead();
  const std::size_t end = typed_ahead_.find_first_of("\r\n");
  if (end != std::string::npos) {
    line = typed_ahead_.substr(0, end);
    typed_ahead_.erase(0, end + 1);
    fmt::print(screen_, "{} {}\n", prompt.text, escape_controls(line));
    return true;
  }
  if (open) return editor_->read(prompt, std::exchange(typed_ahead_, {}), line);
  fmt::print(screen_, "{} \n", prompt.text);
  return false;
}

bool ChatInput::next(const Prompt& prompt, std::string& line) {
  const bool found = editor_ == nullptr ? read_plain(prompt, line) : read_edited(prompt, line);
  if (!found) return false;
  const bool blank = line.find_first_not_of(" \t\r") == std::string::npos;
  if (editor_ == nullptr || blank || line == previous_) return true;
  previous_ = line;
  editor_->remember(line);
  if (history_ != nullptr) history_->append(line);
  return true;
}

}  // namespace gemma2::cli
