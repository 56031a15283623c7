// SPDX-License-Identifier: Apache-2.0
//
// A conversation with a model: turns in, answers out. The whole conversation is encoded anew for
// every turn, so the model sees exactly what the template says; generate() finds what is in the
// cache, and what is there is always the beginning of what the conversation says.
#pragma once

#include <functional>
#include <string>

#include <fmt/format.h>

#include "answer.h"
#include "conversation.h"
#include "line_editor.h"
#include "output.h"
#include "turn_reader.h"

namespace gemma2::cli {

class Chat {
 public:
  /// Loads the model. `interactive`: somebody reads remarks, and a turn that fails is not the end.
  Chat(const Settings& settings, bool interactive);

  /// A turn: a message, answered, or a command. Throws what ends the program: BrokenPipe, Failure
  /// or Error of an answer if nobody is there to try again.
  void take(const Turn& turn);

  [[nodiscard]] bool has_left() const { return left_; }
  [[nodiscard]] Prompt prompt(bool continued) const;
  [[nodiscard]] std::string banner() const;

  // The rest is what commands are made of.

  [[nodiscard]] const Conversation& conversation() const { return conversation_; }
  [[nodiscard]] const Answerer& answerer() const { return answerer_; }
  [[nodiscard]] Output& out() { return out_; }
  [[nodiscard]] bool color() const { return color_; }

  /// Its token ids; with `open`, ending where the model is to speak.
  [[nodiscard]] std::vector<TokenId> render(bool open) const;
  [[nodiscard]] std::size_t tokens() const { return render(/*open=*/false).size(); }
  [[nodiscard]] int context_length() const;

  /// Changes the conversation. One that the chat template refuses is an Error, and not made.
  void edit(const std::function<void(Conversation&)>& change);

  /// Goes on with a saved conversation. Throws Failure, and then nothing has changed.
  void load(const std::string& path);

  /// Answers what the user said last once more.
  void answer_again();

  /// Puts `text` before what the user says next.
  void attach(const std::string& text) { attached_ += text; }
  void drop_attachments() { attached_.clear(); }

  /// Writing all roles by hand, without answers.
  void set_manual(bool manual);
  [[nodiscard]] bool is_manual() const { return manual_; }

  void leave() { left_ = true; }

  /// A line on standard error that was asked for.
  void tell(std::string_view text) const;

  /// One that was not: none with --log-disable.
  template <typename... Args>
  void remark(fmt::format_string<Args...> format, Args&&... args) const {
    remark_text(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void obey(std::string_view line);
  void take_by_hand(std::string text);
  void say(const std::string& text);
  [[nodiscard]] bool answer(std::uint64_t attempt);
  void finish_answer(const GenerateResult& result);
  void undo_turn(Conversation before);
  void settle();
  void remark_text(const std::string& text) const;

  const Settings& settings_;
  bool interactive_;
  bool color_;
  Answerer answerer_;
  Conversation conversation_;
  Output out_;
  std::string attached_ = {};
  std::uint64_t attempt_ = 0;
  bool manual_ = false;
  Role role_ = Role::user;  // who writes next by hand
  bool left_ = false;
};

}  // namespace gemma2::cli
