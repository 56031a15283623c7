// SPDX-License-Identifier: Apache-2.0
//
// A plain conversation: a line in, an answer out. The whole conversation is encoded anew for every
// turn, so the model sees exactly what the template says; generate() finds what is in the cache.
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "gemma2/version.h"

#include "answer.h"
#include "commands.h"
#include "input.h"
#include "output.h"

namespace gemma2::cli {
namespace {

constexpr std::string_view kHelp =
    "  /clear  forget the conversation but the system prompt\n"
    "  /exit   leave; so does the end of the input (Ctrl-D)\n"
    "  /help   this list\n"
    "  Ctrl-C stops an answer, and leaves at the prompt.\n";

class Chat {
 public:
  explicit Chat(const Settings& settings)
      : settings_(settings),
        system_(read_system_prompt(settings)),
        interactive_(::isatty(STDIN_FILENO) != 0),
        answerer_(settings, /*default_temperature=*/0),
        out_(settings.raw_output) {
    clear();
  }

  ExitStatus run() {
    if (interactive_) {
      note(settings_, "{}, {} on {}; /help lists the commands", version(), answerer_.name(),
           answerer_.model().backend_name());
    }
    std::string line;
    while (!left_ && read_line(line)) {
      if (line.starts_with('/')) {
        obey(line);
      } else if (line.find_first_not_of(" \t\r") != std::string::npos) {
        take_turn(to_utf8(settings_, "input", line));
      }
    }
    if (answerer_.timings().prompt_tokens > 0) answerer_.print_timings();
    return kOk;
  }

 private:
  void clear() {
    messages_.clear();
    if (!system_.empty()) messages_.push_back({Role::system, system_});
  }

  bool read_line(std::string& line) {
    if (interactive_) {
      std::fputs(">>> ", stderr);
      std::fflush(stderr);
    }
    const bool found = lines_.next(line);
    if (!found && interactive_) std::fputs("\n", stderr);
    return found;
  }

  void obey(std::string_view line) {
    const std::string_view command = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (command == "/exit" || command == "/bye") {
      left_ = true;
    } else if (command == "/clear") {
      clear();
    } else if (command == "/help" || command == "/?") {
      fmt::print(stderr, "{}", kHelp);
    } else {
      print_error(fmt::format("unknown command '{}'; /help lists them", command));
    }
  }

  void take_turn(std::string text) {
    messages_.push_back({Role::user, std::move(text)});
    const std::vector<TokenId> context = answerer_.encode(messages_);
    if (interactive_ && !answerer_.has_room(context)) {
      print_error(
          fmt::format("the conversation of {} tokens no longer fits the context of {}; "
                      "/clear starts anew, -c N makes room",
                      context.size(), answerer_.session().cache().context_length()));
      messages_.pop_back();
      return;
    }
    print(answerer_.answer(context, [&](std::string_view piece) {
      if (!settings_.json) out_.write(piece);
    }));
  }

  void print(const GenerateResult& result) {
    if (settings_.json) {
      out_.write(result_json(answerer_, result, settings_.generate.top_logprobs >= 0));
    }
    out_.write("\n");
    out_.flush();
    if (result.reason == StopReason::context_full) {
      note(settings_, "the context is full; /clear starts anew, -c N makes room");
    }
    if (!result.grammar_finished) print_error("the answer is not whole JSON: it was cut");
    messages_.push_back({Role::model, result.text});
  }

  const Settings& settings_;
  std::string system_;
  bool interactive_;
  Answerer answerer_;
  Output out_;
  LineReader lines_{STDIN_FILENO};
  std::vector<Message> messages_ = {};
  bool left_ = false;
};

}  // namespace

ExitStatus chat_command(const Settings& settings) {
  return Chat(settings).run();
}

}  // namespace gemma2::cli
