// SPDX-License-Identifier: Apache-2.0
//
// /v1/chat/completions as OpenAI words it, with vLLM's token_ids and llama.cpp's timings.
#include <utility>

#include "openai_format.h"

namespace gemma2::server {
namespace {

class ChatFormat : public OpenAiFormat {
 public:
  ChatFormat(AnswerHead head, const ChatRequest& request, const Tokenizer& tokenizer)
      : OpenAiFormat(std::move(head), request, "chat.completion", "chat.completion.chunk"),
        request_(request),
        tokenizer_(tokenizer) {}

  [[nodiscard]] std::string opening(int index) const override {
    return chunk(delta_choice(index, {{"role", "assistant"}, {"content", ""}}));
  }

  [[nodiscard]] std::string piece(int index, std::string_view text,
                                  std::span<const GeneratedToken> tokens,
                                  const std::optional<Timings>& timings) override {
    if (!says(text, tokens)) return {};
    JsonObject delta = {{"content", std::string(text)}};
    return piece_chunk(delta_choice(index, std::move(delta), logprobs_json(tokens)), tokens,
                       timings);
  }

 private:
  [[nodiscard]] JsonObject whole_choice(const Choice& choice) const override {
    const GenerateResult& result = *choice.result;
    const auto tokens = tokens_of_text(result, tokenizer_);
    JsonObject message = {{"role", "assistant"}, {"content", result.text}, {"refusal", {}}};
    JsonObject json = {{"index", choice.index}};
    json.push_back({"message", std::move(message)});
    json.push_back({"logprobs", logprobs_json(tokens)});
    json.push_back({"finish_reason", finish_reason(result)});
    if (request_.return_token_ids) json.push_back({"token_ids", token_ids(tokens)});
    return json;
  }

  [[nodiscard]] JsonObject silent_choice(int index, JsonValue finish_reason) const override {
    return delta_choice(index, {}, {}, std::move(finish_reason));
  }

  void add_prompt(JsonObject& /*choice*/, JsonObject& body, JsonArray ids) const override {
    body.push_back({"prompt_token_ids", std::move(ids)});
  }

  [[nodiscard]] JsonValue logprobs_json(std::span<const GeneratedToken> tokens) const {
    return wants_logprobs() ? chat_logprobs(tokenizer_, tokens) : JsonValue();
  }

  static JsonObject delta_choice(int index, JsonObject delta, JsonValue logprobs = {},
                                 JsonValue finish_reason = {}) {
    JsonObject choice = {{"index", index}};
    choice.push_back({"delta", std::move(delta)});
    choice.push_back({"logprobs", std::move(logprobs)});
    choice.push_back({"finish_reason", std::move(finish_reason)});
    return choice;
  }

  const ChatRequest& request_;
  const Tokenizer& tokenizer_;
};

}  // namespace

std::unique_ptr<AnswerFormat> make_chat_format(AnswerHead head, const ChatRequest& request,
                                               const Tokenizer& tokenizer) {
  return std::make_unique<ChatFormat>(std::move(head), request, tokenizer);
}

}  // namespace gemma2::server
