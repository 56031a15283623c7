// SPDX-License-Identifier: Apache-2.0
#include "conversation.h"

#include <utility>

namespace gemma2::cli {

Conversation::Conversation(std::string system) {
  set_system(std::move(system));
}

std::size_t Conversation::first() const {
  return !messages_.empty() && messages_[0].role == Role::system ? 1 : 0;
}

std::string Conversation::system() const {
  return first() == 1 ? messages_[0].content : std::string();
}

bool Conversation::awaits_answer() const {
  return !messages_.empty() && messages_.back().role == Role::user;
}

void Conversation::add(Role role, std::string text) {
  messages_.push_back({role, std::move(text)});
}

void Conversation::set_system(std::string text) {
  messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first()));
  if (!text.empty()) messages_.insert(messages_.begin(), {Role::system, std::move(text)});
}

void Conversation::clear() {
  messages_.resize(first());
  stack_.clear();
}

bool Conversation::undo() {
  if (is_empty()) return false;
  if (reopen()) messages_.pop_back();
  return true;
}

bool Conversation::forget() {
  if (is_empty()) return false;
  std::size_t end = first() + 1;
  const auto begins_exchange = [&](std::size_t i) {
    return messages_[i].role == Role::user && messages_[i - 1].role == Role::model;
  };
  while (end < messages_.size() && !begins_exchange(end)) ++end;
  messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(first()),
                  messages_.begin() + static_cast<std::ptrdiff_t>(end));
  return true;
}

bool Conversation::reopen() {
  while (!is_empty() && messages_.back().role == Role::model) messages_.pop_back();
  return !is_empty();
}

bool Conversation::pop() {
  if (stack_.empty()) return false;
  messages_ = std::move(stack_.back());
  stack_.pop_back();
  return true;
}

std::vector<TokenId> Conversation::render(const Tokenizer& tokenizer, ChatOptions options,
                                          bool open) const {
  if (is_empty()) return {};
  options.add_generation_prompt = open;
  return encode_chat(tokenizer, messages_, options);
}

}  // namespace gemma2::cli
