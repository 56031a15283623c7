// SPDX-License-Identifier: Apache-2.0
//
// The conversation of a request.
#pragma once

#include <string>
#include <vector>

#include "gemma2/chat.h"

#include "json_value.h"

namespace gemma2::server {

/// Text alone: a string, or parts of type "text", which are put on lines of their own. Roles are
/// system or developer, user and assistant. What encode_chat() would refuse is refused here, with
/// the message's path; system messages that open the conversation become one.
[[nodiscard]] std::vector<Message> read_messages(const JsonValue& value, const std::string& path,
                                                 const ChatOptions& options);

}  // namespace gemma2::server
