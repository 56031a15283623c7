// SPDX-License-Identifier: Apache-2.0
#include "openai_format.h"

#include <utility>

namespace gemma2::server {

OpenAiFormat::OpenAiFormat(AnswerHead head, const AnswerRequest& request, const char* body_object,
                           const char* chunk_object)
    : head_(std::move(head)),
      request_(request),
      body_object_(body_object),
      chunk_object_(chunk_object) {}

std::string OpenAiFormat::body(std::span<const Choice> choices, const Usage& usage) const {
  JsonArray list;
  JsonObject more;
  for (const Choice& choice : choices) {
    JsonObject json = whole_choice(choice);
    json.push_back({"seed", choice.seed});
    if (request_.return_token_ids && more.empty()) add_prompt(json, more, token_ids(choice.prompt));
    list.emplace_back(std::move(json));
  }
  JsonObject body = head_json(head_, body_object_);
  body.push_back({"choices", std::move(list)});
  body.push_back({"usage", usage_json(usage)});
  add_timings(body, choices);
  for (JsonMember& member : more) body.push_back(std::move(member));
  return to_text(body);
}

std::string OpenAiFormat::closing(const Choice& choice) const {
  JsonObject last = silent_choice(choice.index, finish_reason(*choice.result));
  last.push_back({"seed", choice.seed});
  JsonObject more;
  add_timings(more, {&choice, 1});
  if (request_.return_token_ids) add_prompt(last, more, token_ids(choice.prompt));
  return chunk(std::move(last), std::move(more));
}

std::string OpenAiFormat::usage(std::span<const Choice> /*choices*/, const Usage& usage) const {
  if (!request_.include_usage) return {};
  JsonObject event = head_json(head_, chunk_object_);
  event.push_back({"choices", JsonArray()});
  event.push_back({"usage", usage_json(usage)});
  return to_text(event);
}

std::string OpenAiFormat::progress(int index, int done, int total) const {
  return chunk(silent_choice(index, {}), {{"prompt_progress", progress_json(done, total)}});
}

bool OpenAiFormat::wants_logprobs() const noexcept {
  return request_.options.top_logprobs >= 0;
}

bool OpenAiFormat::says(std::string_view text, std::span<const GeneratedToken> tokens) const {
  return !text.empty() || (!tokens.empty() && (wants_logprobs() || request_.return_token_ids));
}

std::string OpenAiFormat::piece_chunk(JsonObject choice, std::span<const GeneratedToken> tokens,
                                      const std::optional<Timings>& timings) const {
  if (request_.return_token_ids) choice.push_back({"token_ids", token_ids(tokens)});
  JsonObject more;
  if (timings && request_.timings_per_token) more.push_back({"timings", timings_json(*timings)});
  return chunk(std::move(choice), std::move(more));
}

std::string OpenAiFormat::chunk(JsonObject choice, JsonObject more) const {
  JsonArray choices;
  choices.emplace_back(std::move(choice));
  JsonObject event = head_json(head_, chunk_object_);
  event.push_back({"choices", std::move(choices)});
  if (request_.include_usage) event.push_back({"usage", {}});
  for (JsonMember& member : more) event.push_back(std::move(member));
  return to_text(event);
}

}  // namespace gemma2::server
