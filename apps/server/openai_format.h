// SPDX-License-Identifier: Apache-2.0
//
// What OpenAI's two endpoints share: a head, a list of choices, usage, and streams of the same.
#pragma once

#include <string>

#include "answer_parts.h"
#include "answers.h"
#include "json_value.h"

namespace gemma2::server {

class OpenAiFormat : public AnswerFormat {
 public:
  [[nodiscard]] std::string body(std::span<const Choice> choices,
                                 const Usage& usage) const override;
  [[nodiscard]] std::string closing(const Choice& choice) const override;
  [[nodiscard]] std::string usage(std::span<const Choice> choices,
                                  const Usage& usage) const override;
  [[nodiscard]] std::string progress(int index, int done, int total) const override;
  [[nodiscard]] std::string end() const override { return "[DONE]"; }

 protected:
  /// The names that `object` has in a body and in a stream.
  OpenAiFormat(AnswerHead head, const AnswerRequest& request, const char* body_object,
               const char* chunk_object);

  [[nodiscard]] virtual JsonObject whole_choice(const Choice& choice) const = 0;
  /// A choice that adds nothing to its text.
  [[nodiscard]] virtual JsonObject silent_choice(int index, JsonValue finish_reason) const = 0;

  /// vLLM's prompt_token_ids stand in the choices of completions and beside those of chats.
  virtual void add_prompt(JsonObject& choice, JsonObject& body, JsonArray ids) const = 0;

  [[nodiscard]] bool wants_logprobs() const noexcept;
  /// Whether there is an event to send for these.
  [[nodiscard]] bool says(std::string_view text, std::span<const GeneratedToken> tokens) const;
  [[nodiscard]] std::string piece_chunk(JsonObject choice, std::span<const GeneratedToken> tokens,
                                        const std::optional<Timings>& timings) const;
  [[nodiscard]] std::string chunk(JsonObject choice, JsonObject more = {}) const;

 private:
  AnswerHead head_;
  const AnswerRequest& request_;
  const char* body_object_;
  const char* chunk_object_;
};

}  // namespace gemma2::server
