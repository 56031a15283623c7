// SPDX-License-Identifier: Apache-2.0
//
// Gemma 2's chat format, written as token ids. Message text is data: it can not forge a turn.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gemma2/tokenizer.h"

namespace gemma2 {

enum class Role : std::uint8_t { system, user, model };

struct Message {
  Role role = Role::user;
  std::string content = {};
};

struct ChatOptions {
  /// Gemma 2 has no system role. false: a leading system message is put before the first user
  /// message with a blank line between. true: it is an Error(invalid_argument).
  bool reject_system = false;

  /// Gemma 2's template wants user and model in turn. false: neighbours of one role are joined by
  /// a blank line. true: they are an Error(invalid_argument) naming the index.
  bool strict_alternation = false;

  /// End with the opening of a model turn, so that the next token is the model's.
  bool add_generation_prompt = true;
};

/// <bos> and the turns, content trimmed of white space at both ends.
/// Throws Error(invalid_argument) if there is no message, a system message is not the first, the
/// conversation does not begin with the user, or the vocabulary has no turn markers.
[[nodiscard]] GEMMA2_API std::vector<TokenId> encode_chat(const Tokenizer& tokenizer,
                                                          std::span<const Message> messages,
                                                          const ChatOptions& options = {});

}  // namespace gemma2
