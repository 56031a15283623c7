// SPDX-License-Identifier: Apache-2.0
//
// The turn markers are pushed as ids and everything else is encoded in text mode, so no content can
// become a marker. Encoding piece by piece equals encoding the whole text, because markers and line
// ends are frozen pieces and trimmed content does not begin with a line end.
#include "gemma2/chat.h"

#include <string_view>
#include <utility>

#include "check.h"
#include "tokenizer/utf8.h"

namespace gemma2 {
namespace {

constexpr std::string_view kBlankLine = "\n\n";
constexpr EncodeOptions kPlainText = {.add_bos = false, .parse_special = false};

std::string_view name_of(Role role) noexcept {
  return role == Role::user ? "user" : "model";
}

// Nothing is joined by nothing: an empty side leaves no blank line behind.
void join(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += kBlankLine;
  text += more;
}

void check_message(std::span<const Message> messages, std::size_t i, const ChatOptions& options) {
  const Role role = messages[i].role;
  require(role == Role::system || role == Role::user || role == Role::model,
          ErrorCode::invalid_argument, "message {}: expected a known role, found number {}", i,
          static_cast<int>(role));
  require(role != Role::system || i == 0, ErrorCode::invalid_argument,
          "message {}: expected the system message to be the first, found it here", i);
  require(role != Role::system || !options.reject_system, ErrorCode::invalid_argument,
          "message {}: expected user or model, found system, which Gemma 2 does not have", i);
  const bool follows_system = i == 1 && messages[0].role == Role::system;
  require(role != Role::model || (i > 0 && !follows_system), ErrorCode::invalid_argument,
          "message {}: expected the conversation to begin with the user, found model", i);
  require(!options.strict_alternation || i == 0 || role != messages[i - 1].role,
          ErrorCode::invalid_argument, "message {}: expected {}, found a second {} in a row", i,
          role == Role::user ? "model" : "user", name_of(role));
}

/// Turns that alternate, beginning with the user.
std::vector<Message> turns_of(std::span<const Message> messages, const ChatOptions& options) {
  std::vector<Message> turns;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    check_message(messages, i, options);
    const Role role = messages[i].role == Role::system ? Role::user : messages[i].role;
    if (turns.empty() || turns.back().role != role) turns.push_back({role, {}});
    join(turns.back().content, trim_whitespace(messages[i].content));
  }
  return turns;
}

}  // namespace

std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, std::span<const Message> messages,
                                 const ChatOptions& options) {
  const SpecialTokens& special = tokenizer.special();
  require(special.start_of_turn >= 0 && special.end_of_turn >= 0, ErrorCode::invalid_argument,
          "chat: expected a vocabulary with <start_of_turn> and <end_of_turn>, found none");
  require(!messages.empty(), ErrorCode::invalid_argument,
          "chat: expected at least one message, found none");
  require(messages.size() > 1 || messages[0].role != Role::system, ErrorCode::invalid_argument,
          "chat: expected a user message, found only a system message");

  std::vector<TokenId> ids = {special.bos};
  const auto append = [&](std::string_view text) {
    const std::vector<TokenId> more = tokenizer.encode(text, kPlainText);
    ids.insert(ids.end(), more.begin(), more.end());
  };
  const auto open_turn = [&](Role role) {
    ids.push_back(special.start_of_turn);
    append(std::string(name_of(role)) + '\n');
  };
  for (const Message& turn : turns_of(messages, options)) {
    open_turn(turn.role);
    append(turn.content);
    ids.push_back(special.end_of_turn);
    append("\n");
  }
  if (options.add_generation_prompt) open_turn(Role::model);
  return ids;
}

}  // namespace gemma2
