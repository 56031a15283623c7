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

  /// Continues `context`; `sink` gets the text. `attempt` is added to the seed, so that another one
  /// may say something else. Throws Failure if it does not fit, and Error.
  GenerateResult answer(TokenSpan context, const std::function<void(std::string_view)>& sink,
                        std::uint64_t attempt = 0);

  /// Drops from the cache what is not the beginning of `context`.
  void settle(TokenSpan context);

  /// Goes on with another session of the same model.
  void replace(Session session) { session_ = std::move(session); }

  /// Throws Failure if `context` leaves no room for one more token, naming both counts.
  void require_room(TokenSpan context) const;
  [[nodiscard]] bool has_room(TokenSpan context) const;

  /// The chat so far as token ids, ending where the model is to speak.
  [[nodiscard]] std::vector<TokenId> encode(std::span<const Message> messages) const;

  [[nodiscard]] const Model& model() const { return loaded_.model; }
  [[nodiscard]] const std::string& name() const { return loaded_.name; }
  [[nodiscard]] const Session& session() const { return session_; }
  [[nodiscard]] const Timings& timings() const { return timings_; }
  [[nodiscard]] ChatOptions chat_options() const;
  [[nodiscard]] float temperature() const { return options_.sampling.temperature; }
  [[nodiscard]] std::uint64_t seed() const { return options_.sampling.seed; }
  [[nodiscard]] Speculation speculation() const { return options_.speculate; }

  void print_timings() const;  // unless nothing but errors is wanted
  void show_timings() const;

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
