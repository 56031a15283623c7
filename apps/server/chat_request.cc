// SPDX-License-Identifier: Apache-2.0
//
// /v1/chat/completions, and /apply-template, which takes the same.
#include <fmt/format.h>

#include "answer_fields.h"
#include "api_error.h"
#include "messages.h"
#include "other_fields.h"

namespace gemma2::server {
namespace {

void read_logprobs(Fields& fields, GenerateOptions& options) {
  const bool wanted = fields.boolean({"logprobs"}).value_or(false);
  const auto top =
      static_cast<int>(fields.integer({"top_logprobs"}, 0, kMaxTopLogprobs).value_or(0));
  if (top > 0 && !wanted) {
    throw ApiError::invalid("top_logprobs",
                            "top_logprobs: expected logprobs to be true beside it, found false");
  }
  options.top_logprobs = wanted ? top : -1;
}

/// Tools are given and whether the model may call them: it can not, so nobody may expect it to.
void check_tools(Fields& fields, std::string_view tools, std::string_view choice) {
  const JsonValue* list = fields.find(tools);
  const JsonValue* choice_value = fields.find(choice);
  const auto* name = choice_value == nullptr ? nullptr : std::get_if<std::string>(choice_value);
  if (name != nullptr && *name == "none") return;
  const auto* array = list == nullptr ? nullptr : std::get_if<JsonArray>(list);
  const bool has_tools = list != nullptr && (array == nullptr || !array->empty());
  if (!has_tools && choice_value == nullptr) return;
  const std::string param(has_tools ? tools : choice);
  throw ApiError::unsupported(
      param, fmt::format("{}: not supported: Gemma 2 was not made to call tools; leave it out, set "
                         "{} to \"none\", or use response_format with a JSON schema",
                         param, choice));
}

void read_turns(Fields& fields, const RequestDefaults& defaults, ChatRequest& request) {
  request.chat = defaults.chat;
  const JsonValue* messages = fields.find("messages");
  if (messages == nullptr) {
    throw ApiError::invalid("messages", "messages: expected an array of messages, found none");
  }
  request.messages = read_messages(*messages, "messages", request.chat);
  const std::optional<bool> prompt = fields.boolean({"add_generation_prompt"});
  request.continue_final_message = fields.boolean({"continue_final_message"}).value_or(false);
  if (!request.continue_final_message) {
    request.chat.add_generation_prompt = prompt.value_or(request.chat.add_generation_prompt);
    return;
  }
  if (request.messages.back().role != Role::model) {
    throw ApiError::invalid("continue_final_message",
                            "continue_final_message: expected the last message to be the "
                            "assistant's, found the user's");
  }
  if (prompt.value_or(false)) {
    throw ApiError::invalid("continue_final_message",
                            "continue_final_message: expected add_generation_prompt to be false "
                            "beside it, found true");
  }
  request.chat.add_generation_prompt = false;
}

}  // namespace

ChatRequest parse_chat_request(std::string_view body, const RequestDefaults& defaults) {
  const JsonValue value = parse_json(body);
  Fields fields(value);
  ChatRequest request;
  read_turns(fields, defaults, request);
  read_answer_fields(fields, defaults, {}, request);
  read_counts(fields, request);
  read_logprobs(fields, request.options);
  check_tools(fields, "tools", "tool_choice");
  check_tools(fields, "functions", "function_call");
  check_other_fields(fields, defaults.strict);
  return request;
}

ChatRequest parse_template_request(std::string_view body, const RequestDefaults& defaults) {
  return parse_chat_request(body, defaults);
}

}  // namespace gemma2::server
