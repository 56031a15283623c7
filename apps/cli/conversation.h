// SPDX-License-Identifier: Apache-2.0
//
// What was said, and the ways to change it. Messages only: what the model sees of them is rendered
// from scratch each time, so there is nothing here that could drift from it.
#pragma once

#include <string>
#include <vector>

#include "gemma2/chat.h"

namespace gemma2::cli {

class Conversation {
 public:
  explicit Conversation(std::string system = {});
  /// A saved one; a system message may come first.
  explicit Conversation(std::vector<Message> messages) : messages_(std::move(messages)) {}

  /// The system prompt, if there is one, then users and model.
  [[nodiscard]] const std::vector<Message>& messages() const { return messages_; }
  [[nodiscard]] std::string system() const;
  [[nodiscard]] bool is_empty() const { return first() == messages_.size(); }
  [[nodiscard]] bool awaits_answer() const;

  void add(Role role, std::string text);  // user or model
  void set_system(std::string text);      // empty: none

  /// Forgets everything, stack included, but the system prompt.
  void clear();

  /// Drops the last exchange: what the user said last and the answer. false: there is none.
  bool undo();

  /// Drops the oldest exchange: up to the first thing the user said after an answer.
  bool forget();

  /// Drops what the model said last, so that it can answer again. false: nobody asked anything.
  bool reopen();

  /// Puts the conversation as it is on a stack, and takes it back from there.
  void push() { stack_.push_back(messages_); }
  bool pop();
  [[nodiscard]] const std::vector<std::vector<Message>>& stack() const { return stack_; }

  /// Its token ids; with `open`, ending where the model is to speak. None if nobody said anything.
  /// Throws Error as encode_chat does.
  [[nodiscard]] std::vector<TokenId> render(const Tokenizer& tokenizer, ChatOptions options,
                                            bool open) const;

 private:
  [[nodiscard]] std::size_t first() const;  // message that is not the system prompt

  std::vector<Message> messages_ = {};
  std::vector<std::vector<Message>> stack_ = {};
};

}  // namespace gemma2::cli
