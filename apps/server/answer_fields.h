// SPDX-License-Identifier: Apache-2.0
//
// The fields that every endpoint which generates text has in common.
#pragma once

#include "fields.h"
#include "requests.h"

namespace gemma2::server {

/// In what the endpoints differ.
struct AnswerRules {
  int max_tokens = -1;         // if the request does not say
  double max_temperature = 2;  // OpenAI's
};

inline constexpr std::size_t kMaxModelName = 1024;
inline constexpr int kMaxAnswers = 64;          // n and best_of
inline constexpr int kMaxTopLogprobs = 20;      // OpenAI's for chat
inline constexpr std::size_t kMaxItems = 2048;  // prompts, inputs and their answers

/// All of AnswerRequest but n and best_of and what has to do with log-probabilities.
void read_answer_fields(Fields& fields, const RequestDefaults& defaults, const AnswerRules& rules,
                        AnswerRequest& request);

// Parts of it, in files of their own.
void read_sampling(Fields& fields, const RequestDefaults& defaults, double max_temperature,
                   AnswerRequest& request);
/// response_format, json_schema, guided_json and structured_outputs.
void read_grammar(Fields& fields, AnswerRequest& request);

/// n and best_of.
void read_counts(Fields& fields, AnswerRequest& request);

}  // namespace gemma2::server
