// SPDX-License-Identifier: Apache-2.0
//
// /v1/completions as OpenAI words it: one object whatever the number of prompts.
#include "completion_answer.h"

#include <map>
#include <utility>

#include "legacy_logprobs.h"
#include "openai_format.h"

namespace gemma2::server {
namespace {

class CompletionFormat : public OpenAiFormat {
 public:
  CompletionFormat(AnswerHead head, const CompletionRequest& request, const Tokenizer& tokenizer)
      : OpenAiFormat(std::move(head), request, "text_completion", "text_completion"),
        request_(request),
        tokenizer_(tokenizer) {}

  [[nodiscard]] std::string opening(int index) const override {
    if (!request_.echo) return {};
    return chunk(text_choice(index, prompt_text(request_, index, tokenizer_)));
  }

  [[nodiscard]] std::string piece(int index, std::string_view text,
                                  std::span<const GeneratedToken> tokens,
                                  const std::optional<Timings>& timings) override {
    if (!says(text, tokens)) return {};
    JsonValue logprobs;
    if (wants_logprobs()) {
      LegacyLogprobs legacy(tokenizer_);
      legacy.add(tokens, offsets_.try_emplace(index, tokenizer_, 0).first->second);
      logprobs = legacy.take();
    }
    return piece_chunk(text_choice(index, std::string(text), std::move(logprobs)), tokens, timings);
  }

 private:
  [[nodiscard]] JsonObject whole_choice(const Choice& choice) const override {
    const GenerateResult& result = *choice.result;
    const auto tokens = tokens_of_text(result, tokenizer_);
    const std::string echoed =
        request_.echo ? prompt_text(request_, choice.index, tokenizer_) : std::string();
    JsonObject json = text_choice(choice.index, echoed + result.text,
                                  logprobs_json(choice, tokens, echoed), finish_reason(result));
    if (request_.return_token_ids) json.push_back({"token_ids", token_ids(tokens)});
    return json;
  }

  [[nodiscard]] JsonObject silent_choice(int index, JsonValue finish_reason) const override {
    return text_choice(index, {}, {}, std::move(finish_reason));
  }

  void add_prompt(JsonObject& choice, JsonObject& /*body*/, JsonArray ids) const override {
    choice.push_back({"prompt_token_ids", std::move(ids)});
  }

  [[nodiscard]] JsonValue logprobs_json(const Choice& choice,
                                        std::span<const GeneratedToken> tokens,
                                        const std::string& echoed) const {
    if (!wants_logprobs()) return {};
    LegacyLogprobs logprobs(tokenizer_);
    const std::span<const GeneratedToken> prompt = choice.result->prompt;
    if (request_.echo) logprobs.add_prompt(prompt.subspan(choice.added_bos ? 1 : 0));
    TokenOffsets offsets(tokenizer_, count_characters(echoed));
    logprobs.add(tokens, offsets);
    // Without text, but it was generated: a client that asks for one token finds one.
    if (const auto& end = choice.result->end) logprobs.add({&*end, 1}, offsets);
    return logprobs.take();
  }

  static JsonObject text_choice(int index, std::string text, JsonValue logprobs = {},
                                JsonValue finish_reason = {}) {
    JsonObject choice = {{"index", index}};
    choice.push_back({"text", std::move(text)});
    choice.push_back({"logprobs", std::move(logprobs)});
    choice.push_back({"finish_reason", std::move(finish_reason)});
    return choice;
  }

  const CompletionRequest& request_;
  const Tokenizer& tokenizer_;
  std::map<int, TokenOffsets> offsets_ = {};  // of a stream's choices
};

}  // namespace

std::string prompt_text(const CompletionRequest& request, int index, const Tokenizer& tokenizer) {
  const Prompt& prompt = request.prompts.at(static_cast<std::size_t>(index / request.n));
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  TokenSpan tokens = std::get<std::vector<TokenId>>(prompt);
  if (!tokens.empty() && tokens.front() == tokenizer.special().bos) tokens = tokens.subspan(1);
  return tokenizer.decode(tokens, {.show_special = true});
}

std::unique_ptr<AnswerFormat> make_completion_format(AnswerHead head,
                                                     const CompletionRequest& request,
                                                     const Tokenizer& tokenizer) {
  if (request.native) return make_native_format(std::move(head), request, tokenizer);
  return std::make_unique<CompletionFormat>(std::move(head), request, tokenizer);
}

}  // namespace gemma2::server
