// SPDX-License-Identifier: Apache-2.0
//
// One answer in the making: which tokens go through the model next, and what is said once they
// did. Who runs the model is the caller's affair: generate() runs it for one answer, a Scheduler
// for many in one step. Both therefore choose, stream and stop alike, by construction:
//
//   begin(session)
//   until there is a reason to stop:
//     feed = next(n); run feed.tokens, if any, through the session; fed(how many)
//     unless the prompt goes on: choose(session)
//   finish(reason)
//
// Every failure that the arguments can cause is reported before the session changes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/generate.h"

#include "model/stop_matcher.h"

namespace gemma2 {

/// Whether the options say which tokens may come next.
[[nodiscard]] inline bool is_constrained(const GenerateOptions& options) noexcept {
  return options.grammar.has_value() || options.allowed != nullptr;
}

class Generation {
 public:
  /// Tokens to run, the results wanted of the last of them, and which may follow it.
  struct Feed {
    TokenSpan tokens = {};
    WantLogits wanted = WantLogits::none;
    TokenMask allowed = {};
  };

  /// Keeps references to all of them. Throws what generate() does for bad arguments.
  Generation(const Model& model, int context_length, TokenSpan context,
             const GenerateOptions& options, const std::function<void(std::string_view)>& sink);

  /// Takes from the session's cache what it can. The session is empty, or holds anything.
  void begin(Session& session);

  /// Whether the prompt has not been run to its end.
  [[nodiscard]] bool prefills() const noexcept { return done_ < result_.prompt_tokens; }
  [[nodiscard]] int prompt_left() const noexcept { return result_.prompt_tokens - done_; }

  /// At most `max_tokens` of the prompt, or the token said last. No tokens: the session's cache
  /// made the first step needless.
  [[nodiscard]] Feed next(int max_tokens) const;

  /// The first `count` tokens of the last feed are in the session, with what was wanted of them.
  void fed(int count, const Session& session);

  /// Says the next token, by the results of the last one fed: `model` is the Session or whatever
  /// answers for it. Returns why the answer ends, if it does.
  template <typename Results>
  std::optional<StopReason> choose(const Results& model) {
    if (const std::optional<StopReason> reason = ends_unchosen()) return reason;
    const std::span<const float> logits = model.logits();
    return say(logits.empty() ? model.best() : sample(logits), logits);
  }

  /// Shows what was held back and gives the result. Even now a stop string may come about.
  [[nodiscard]] GenerateResult finish(StopReason reason);

  /// last or best: what is wanted after each token.
  [[nodiscard]] WantLogits wanted() const noexcept { return wanted_; }
  /// How many more tokens may be produced.
  [[nodiscard]] int tokens_left() const;
  [[nodiscard]] int produced() const noexcept { return static_cast<int>(generated_.size()); }
  [[nodiscard]] int cached_tokens() const noexcept { return result_.cached_tokens; }
  /// Whether all of the prompt has to be run, whatever is cached.
  [[nodiscard]] bool needs_whole_prompt() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::optional<StopReason> ends_unchosen() const;
  [[nodiscard]] TokenId sample(std::span<const float> logits);
  std::optional<StopReason> say(TokenId token, std::span<const float> logits);
  [[nodiscard]] bool constrains() const noexcept;
  void ask_what_is_allowed();
  void report_prefill() const;
  void note_prefill_end();
  void keep_of_prompt(const Session& session, int count);
  void pool(const Session& session, int count);
  void end_pooling();
  [[nodiscard]] int room() const;
  [[nodiscard]] std::optional<StopReason> limit_reached() const;
  [[nodiscard]] GeneratedToken describe(TokenId token, std::span<const float> logits) const;
  void record(TokenId token, std::span<const float> logits);
  void show(const std::string& text);

  const Tokenizer& tokenizer_;
  int vocab_size_;
  int context_length_;
  TokenSpan context_;
  const GenerateOptions& options_;
  const std::function<void(std::string_view)>& sink_;
  Sampler sampler_;
  WantLogits wanted_;
  StopMatcher matcher_;
  StreamDecoder decoder_;
  int done_ = 0;               // prompt tokens in the session
  std::vector<TokenId> said_;  // the token said last, until it is fed
  std::optional<GrammarState> grammar_ = {};
  TokenMask allowed_ = {};  // as the next token
  std::vector<TokenId> generated_;
  std::optional<Clock::time_point> start_ = {};
  std::optional<Clock::time_point> prefill_end_ = {};
  std::vector<double> pooled_ = {};  // the sum of the hidden states so far
  GenerateResult result_ = {};
};

}  // namespace gemma2
