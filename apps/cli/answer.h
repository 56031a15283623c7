// SPDX-License-Identifier: Apache-2.0
//
// What all modes of `generate` share: one model, one session, and generate() with the user's
// options, progress, Ctrl-C and timings around it.
#pragma once

#include <functional>
#include <string_view>

#include "gemma2/chat.h"

#include "load.h"
#include "report.h"

namespace gemma2::cli {

class Answerer {
 public:
  /// Loads the model. `default_temperature` is that of the mode. Throws Failure, UsageError.
  Answerer(const Settings& settings, float default_temperature);

  /// Continues `context`; `sink` gets the text. Throws Failure if it does not fit, and Error.
  GenerateResult answer(TokenSpan context, const std::function<void(std::string_view)>& sink);

  /// Throws Failure if `context` leaves no room for one more token, naming both counts.
  void require_room(TokenSpan context) const;
  [[nodiscard]] bool has_room(TokenSpan context) const;

  /// The chat so far as token ids, ending where the model is to speak.
  [[nodiscard]] std::vector<TokenId> encode(std::span<const Message> messages) const;

  [[nodiscard]] const Model& model() const { return loaded_.model; }
  [[nodiscard]] const std::string& name() const { return loaded_.name; }
  [[nodiscard]] const Session& session() const { return session_; }
  [[nodiscard]] const Timings& timings() const { return timings_; }
  [[nodiscard]] std::uint64_t seed() const { return options_.sampling.seed; }
  [[nodiscard]] Speculation speculation() const { return options_.speculate; }

  void print_timings() const;

 private:
  const Settings& settings_;
  LoadedModel loaded_;
  Session session_;
  GenerateOptions options_;
  Timings timings_ = {};
};

/// One JSON object: text, finish_reason, usage, timings, model, seed and, if asked for, logprobs.
[[nodiscard]] std::string result_json(const Answerer& answerer, const GenerateResult& result,
                                      bool logprobs);

}  // namespace gemma2::cli
