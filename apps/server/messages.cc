// SPDX-License-Identifier: Apache-2.0
#include "messages.h"

#include <limits>

#include <fmt/format.h>

#include "api_error.h"
#include "fields.h"
#include "printable_text.h"

namespace gemma2::server {
namespace {

constexpr std::size_t kAnyLength = std::numeric_limits<std::size_t>::max();  // the body has a limit
constexpr std::string_view kBlankLine = "\n\n";

Role read_role(Fields& message) {
  const std::string path = message.path_of("role");
  const JsonValue* value = message.find("role");
  const std::string_view expected = "\"system\", \"developer\", \"user\" or \"assistant\"";
  if (value == nullptr)
    throw ApiError::invalid(path, fmt::format("{}: expected {}", path, expected));
  const std::string& name = read_text(*value, path, kAnyLength);
  if (name == "system" || name == "developer") return Role::system;
  if (name == "user") return Role::user;
  if (name == "assistant") return Role::model;
  if (name == "tool" || name == "function") {
    throw ApiError::unsupported(path,
                                fmt::format("{}: \"{}\" is not supported: Gemma 2 has no tools; "
                                            "expected {}",
                                            path, name, expected));
  }
  refuse(path, expected, *value);
}

const std::string& read_part(const JsonValue& value, const std::string& path) {
  Fields part(value, path);
  const JsonValue* type = part.find("type");
  const std::string type_path = part.path_of("type");
  if (type == nullptr) throw ApiError::invalid(type_path, type_path + ": expected \"text\"");
  const std::string& name = read_text(*type, type_path, kAnyLength);
  if (name != "text") {
    throw ApiError::unsupported(
        type_path, fmt::format("{}: \"{}\" is not supported: Gemma 2 reads text alone; expected "
                               "\"text\"",
                               type_path, quotable(name)));
  }
  const JsonValue* text = part.find("text");
  const std::string text_path = part.path_of("text");
  if (text == nullptr) throw ApiError::invalid(text_path, text_path + ": expected a string");
  return read_text(*text, text_path, kAnyLength);
}

std::string read_content(Fields& message, Role role) {
  const std::string path = message.path_of("content");
  const JsonValue* content = message.find("content");
  if (content == nullptr) {
    if (role == Role::model) return {};  // of answers that were calls of tools, or empty
    throw ApiError::invalid(path, path + ": expected a string or an array of text parts");
  }
  if (const auto* text = std::get_if<std::string>(content)) return *text;
  const auto* parts = std::get_if<JsonArray>(content);
  if (parts == nullptr || parts->empty()) {
    refuse(path, "a string or an array of text parts", *content);
  }
  std::string text;
  for (std::size_t i = 0; i < parts->size(); ++i) {
    if (i > 0) text += '\n';
    text += read_part((*parts)[i], fmt::format("{}[{}]", path, i));
  }
  return text;
}

void check_calls(Fields& message) {
  for (const std::string_view name : {"tool_calls", "function_call"}) {
    const JsonValue* calls = message.find(name);
    const auto* list = calls == nullptr ? nullptr : std::get_if<JsonArray>(calls);
    if (calls == nullptr || (list != nullptr && list->empty())) continue;
    const std::string path = message.path_of(name);
    throw ApiError::unsupported(path, path + ": not supported: Gemma 2 has no tools");
  }
}

[[noreturn]] void refuse_order(std::size_t index, const std::string& path, std::string_view why) {
  const std::string where = fmt::format("{}[{}]", path, index);
  throw ApiError::invalid(where, fmt::format("{}: expected {}", where, why));
}

/// What encode_chat() asks for. `messages` are those before.
void check_order(const std::vector<Message>& messages, Role role, std::size_t index,
                 const std::string& path, const ChatOptions& options) {
  const bool is_opening = messages.empty() || messages.back().role == Role::system;
  if (role == Role::system && options.reject_system) {
    refuse_order(index, path, "user or assistant, found system, which Gemma 2 does not have");
  }
  if (role == Role::system && !is_opening) {
    refuse_order(index, path, "system messages at the beginning alone, found one here");
  }
  if (role == Role::model && is_opening) {
    refuse_order(index, path, "the conversation to begin with the user, found assistant");
  }
  if (options.strict_alternation && !messages.empty() && messages.back().role == role) {
    refuse_order(index, path, "user and assistant in turn, found the same role twice");
  }
}

}  // namespace

std::vector<Message> read_messages(const JsonValue& value, const std::string& path,
                                   const ChatOptions& options) {
  const JsonArray& array = read_array(value, path);
  std::vector<Message> messages;
  for (std::size_t i = 0; i < array.size(); ++i) {
    Fields fields(array[i], fmt::format("{}[{}]", path, i));
    const Role role = read_role(fields);
    std::string content = read_content(fields, role);
    check_calls(fields);
    check_order(messages, role, i, path, options);
    if (role == Role::system && !messages.empty()) {
      messages.back().content.append(kBlankLine).append(content);
    } else {
      messages.push_back({role, std::move(content)});
    }
  }
  if (messages.empty() || messages.back().role == Role::system) {
    throw ApiError::invalid(path, path + ": expected at least one user message, found none");
  }
  return messages;
}

}  // namespace gemma2::server
