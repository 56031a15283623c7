// SPDX-License-Identifier: Apache-2.0
//
// The table of what begins with a slash. /help, the completion and the manual come from it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gemma2::cli {

class Chat;

struct ChatCommand {
  std::string_view names;     // "/exit /bye": the first one is the name
  std::string_view argument;  // "FILE", "[on|off]" if it can be left out; empty: none
  std::string_view help;      // one line
  std::string_view detail;    // what /help COMMAND adds
  void (*run)(Chat&, const std::string& argument);
};

[[nodiscard]] std::span<const ChatCommand> chat_commands();

/// "/exit, /bye" or "/save FILE".
[[nodiscard]] std::string usage(const ChatCommand& command);

/// Null: there is none of that name.
[[nodiscard]] const ChatCommand* find_chat_command(std::string_view name);

/// Runs a line like "/save talk.chat". Throws Failure, Error.
void run_chat_command(Chat& chat, std::string_view line);

}  // namespace gemma2::cli
