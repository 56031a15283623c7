// SPDX-License-Identifier: Apache-2.0
//
// --chat: lines in, a conversation out. Nobody asked for --chat: a server behind it, too.
#include "chat.h"
#include "chat_input.h"
#include "commands.h"
#include "report.h"
#include "serve.h"

namespace gemma2::cli {

ExitStatus chat_command(const Settings& settings) {
  ChatInput input(settings);
  Chat chat(settings, input.is_interactive());
  if (input.is_interactive()) note(settings, "{}", chat.banner());
  std::unique_ptr<server::Server> server;
  if (settings.background_server) {
    server = serve_in_background(settings, chat.answerer().model(), chat.answerer().name());
  }
  TurnReader turns(
      [&](std::string& line, bool continued) { return input.next(chat.prompt(continued), line); },
      settings.multiline_input);
  for (Turn turn; !chat.has_left() && turns.next(turn);) chat.take(turn);
  if (chat.answerer().timings().prompt_tokens > 0) chat.answerer().print_timings();
  return kOk;
}

}  // namespace gemma2::cli
