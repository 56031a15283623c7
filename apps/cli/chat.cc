// SPDX-License-Identifier: Apache-2.0
#include "chat.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "gemma2/error.h"
#include "gemma2/version.h"

#include "chat_commands.h"
#include "chat_file.h"
#include "input.h"
#include "report.h"
#include "style.h"

namespace gemma2::cli {
namespace {

std::string_view name_of(Role role) {
  return role == Role::system ? "system" : role == Role::user ? "user" : "model";
}

std::string_view style_of(Role role) {
  return role == Role::system ? kBlue : role == Role::user ? kGreen : kMagenta;
}

bool same_shape(const KvCache& a, const KvCache& b) {
  return a.context_length() == b.context_length() && a.type() == b.type() &&
         a.capacity(LayerKind::local) == b.capacity(LayerKind::local);
}

}  // namespace

Chat::Chat(const Settings& settings, bool interactive)
    : settings_(settings),
      interactive_(interactive),
      color_(wants_color(settings.color, ::isatty(STDERR_FILENO) != 0)),
      answerer_(settings, /*default_temperature=*/0),
      conversation_(read_system_prompt(settings)),
      out_(settings.raw_output) {
  if (settings.load_chat.empty()) return;
  if (!conversation_.system().empty()) {
    throw UsageError("--load-chat: the conversation has a system prompt; expected no other one");
  }
  load(settings.load_chat);
}

std::string Chat::banner() const {
  return fmt::format("{}, {} on {}; /help lists the commands", version(), answerer_.name(),
                     answerer_.model().backend_name());
}

Prompt Chat::prompt(bool continued) const {
  Prompt prompt;
  prompt.text = continued ? "..." : manual_ ? fmt::format("{} >>>", name_of(role_)) : ">>>";
  if (color_) prompt.style = style_of(role_);
  if (!continued) prompt.right = fmt::format("{}/{}", tokens(), context_length());
  return prompt;
}

std::vector<TokenId> Chat::render(bool open) const {
  return conversation_.render(answerer_.model().tokenizer(), answerer_.chat_options(), open);
}

int Chat::context_length() const {
  return answerer_.session().cache().context_length();
}

void Chat::tell(std::string_view text) const {
  fmt::print(stderr, "{}\n", escape_controls(text));
}

void Chat::remark_text(const std::string& text) const {
  if (settings_.quiet) return;
  if (interactive_) {
    fmt::print(stderr, "{}\n", paint(color_, kFaint, "(" + one_line(text) + ")"));
  } else {
    print_error(text);
  }
}

void Chat::take(const Turn& turn) {
  const bool blank = turn.text.find_first_not_of(" \t\r\n") == std::string::npos;
  if (turn.is_command) {
    obey(turn.text);
  } else if (manual_) {
    take_by_hand(blank ? std::string() : to_utf8(settings_, "input", turn.text));
  } else if (!blank) {
    say(to_utf8(settings_, "input", turn.text));
  }
}

void Chat::obey(std::string_view line) {
  try {
    run_chat_command(*this, line);
  } catch (const Failure& failure) {
    print_error(failure.what());
  } catch (const UsageError& error) {
    print_error(error.what());
  } catch (const Error& error) {
    print_error(error.what());
  }
}

void Chat::set_manual(bool manual) {
  manual_ = manual;
  role_ = manual && conversation_.awaits_answer() ? Role::model : Role::user;
}

void Chat::take_by_hand(std::string text) {
  if (text.empty()) {  // on to the next role
    role_ = role_ == Role::user ? Role::model : role_ == Role::model ? Role::system : Role::user;
    return;
  }
  const Role role = role_;
  try {
    edit([&](Conversation& conversation) {
      if (role == Role::system) return conversation.set_system(std::move(text));
      conversation.add(role, role == Role::user ? attached_ + text : std::move(text));
    });
  } catch (const Error& error) {
    return print_error(error.what());
  }
  if (role == Role::user) attached_.clear();
  role_ = role == Role::user ? Role::model : Role::user;
}

void Chat::settle() {
  answerer_.settle(render(/*open=*/false));
}

void Chat::edit(const std::function<void(Conversation&)>& change) {
  Conversation changed = conversation_;
  change(changed);
  static_cast<void>(changed.render(answerer_.model().tokenizer(), answerer_.chat_options(), false));
  conversation_ = std::move(changed);
  settle();
}

void Chat::undo_turn(Conversation before) {
  conversation_ = std::move(before);
  settle();
}

void Chat::say(const std::string& text) {
  Conversation before = conversation_;
  conversation_.add(Role::user, std::exchange(attached_, {}) + text);
  attempt_ = 0;
  try {
    if (!answer(attempt_)) undo_turn(std::move(before));
  } catch (const Error& error) {
    undo_turn(std::move(before));
    if (!interactive_) throw;
    print_error(error.what());
  }
}

void Chat::answer_again() {
  Conversation before = conversation_;
  if (!conversation_.reopen()) {
    throw Failure(kRuntimeError, "/regen: expected a message to answer, found none");
  }
  const bool repeats =
      before.messages().size() > conversation_.messages().size() && answerer_.temperature() == 0;
  if (repeats) remark("at temperature 0 the answer is the same; --temp makes it vary");
  settle();
  try {
    if (!answer(++attempt_)) undo_turn(std::move(before));
  } catch (const Error&) {
    undo_turn(std::move(before));
    throw;
  }
}

/// Answers the conversation as it stands. false: there is no room for that.
bool Chat::answer(std::uint64_t attempt) {
  const std::vector<TokenId> context = render(/*open=*/true);
  if (interactive_ && !answerer_.has_room(context)) {
    print_error(
        fmt::format("not sent: with it the conversation has {} tokens, and the context {}; "
                    "/forget drops the oldest exchange, /clear all, -c N makes room",
                    context.size(), context_length()));
    return false;
  }
  finish_answer(answerer_.answer(
      context,
      [&](std::string_view piece) {
        if (!settings_.json) out_.write(piece);
      },
      attempt));
  return true;
}

void Chat::finish_answer(const GenerateResult& result) {
  const bool stopped = result.reason == StopReason::cancelled;
  const bool nothing_said = stopped && result.text.empty();
  if (settings_.json) {
    out_.write(result_json(answerer_, result, settings_.generate.top_logprobs >= 0));
  }
  out_.write("\n");
  out_.flush();
  if (!nothing_said) conversation_.add(Role::model, result.text);
  settle();
  if (nothing_said) {
    remark("stopped before the answer began; /regen begins it again, /undo takes the message back");
  } else if (stopped) {
    remark("stopped; what was said is part of the conversation, /undo drops it");
  }
  if (result.reason == StopReason::context_full) {
    remark(
        "the answer was cut: all {} tokens of the context are in use; /forget drops the oldest "
        "exchange, /clear all, -c N makes room",
        context_length());
  }
  if (!stopped && !result.grammar_finished) print_error("the answer is not whole JSON: it was cut");
  if (interactive_ && !settings_.quiet) fmt::print(stderr, "\n");  // some air before the prompt
}

void Chat::load(const std::string& path) {
  SavedChat saved = load_chat(path, answerer_.model());
  Conversation loaded(std::move(saved.messages));
  const std::vector<TokenId> ids =
      loaded.render(answerer_.model().tokenizer(), answerer_.chat_options(), false);
  const TokenSpan cached = saved.cache.tokens();
  const bool fits =
      cached.size() <= ids.size() && std::equal(cached.begin(), cached.end(), ids.begin());
  if (!fits) {
    throw Failure(kRuntimeError,
                  fmt::format("{}: expected keys and values of its messages, found others", path));
  }
  if (same_shape(saved.cache, answerer_.session().cache())) {
    answerer_.replace(Session(answerer_.model(), std::move(saved.cache)));
  } else {
    remark("{}: keys and values of another context or type; the model reads it all again", path);
  }
  conversation_ = std::move(loaded);
  attached_.clear();
  settle();
}

}  // namespace gemma2::cli
