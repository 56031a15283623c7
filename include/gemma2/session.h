// SPDX-License-Identifier: Apache-2.0
//
// One conversation with a model: a KV cache and the logits after its last token.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "gemma2/kv_cache.h"
#include "gemma2/token_mask.h"

namespace gemma2 {

/// What a step is to leave behind.
enum class WantLogits : std::uint8_t {
  none,
  last,      // the last token's logits, vocab_size floats
  all,       // every token's
  best,      // the last token's best next token alone: cheaper, there are no logits then
  all_best,  // every token's
  hidden     // every token's last hidden state instead of logits
};

/// One thread at a time. Results depend on the tokens alone: not on how they were split into calls,
/// on what other sessions shared a step, nor on the number of threads.
class GEMMA2_API Session {
 public:
  explicit Session(const Model& model, const KvCacheOptions& options = {});
  Session(const Model& model, KvCache cache);  // continues a forked or restored cache
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Appends tokens. Returns false only if `cancel` was requested meanwhile; what was finished by
  /// then stays cached. Throws Error(invalid_argument) before anything changes if a token is not
  /// in the vocabulary, none is given, or the context would overflow (both counts are named).
  bool prefill(TokenSpan tokens, const std::stop_token& cancel = {});

  /// The same, and what to leave behind, of the last token's next tokens only the `allowed` ones
  /// (see StepEntry::allowed).
  bool prefill(TokenSpan tokens, WantLogits wanted, TokenMask allowed = {},
               const std::stop_token& cancel = {});

  /// Appends one token.
  bool decode(TokenId token, const std::stop_token& cancel = {});
  bool decode(TokenId token, WantLogits wanted, TokenMask allowed = {},
              const std::stop_token& cancel = {});

  /// Makes the cached tokens a prefix of `context`, dropping what differs, and returns how many
  /// are kept: at most context.size() - 1, so that feeding the rest yields fresh logits, or all of
  /// them if the session already stands exactly there and has `wanted` of the last token, with all
  /// tokens allowed.
  [[nodiscard]] int reuse_prefix(TokenSpan context, WantLogits wanted = WantLogits::last);

  /// log p(tokens[i] | everything before), natural log. The session must not be empty; the tokens
  /// are appended.
  [[nodiscard]] std::vector<float> score(TokenSpan tokens);

  /// [vocab_size], after the soft cap; -inf for tokens that were not allowed. Empty before the
  /// first token, after a rewind, and if the last step was not asked for logits.
  [[nodiscard]] std::span<const float> logits() const noexcept;

  /// Row `row` of the last step, which asked for WantLogits::all.
  [[nodiscard]] std::span<const float> logits(int row) const;

  /// [hidden_size], of row `row` of the last step, which asked for WantLogits::hidden: what the
  /// layers made of that token and all before it, after the final norm.
  [[nodiscard]] std::span<const float> hidden_state(int row) const;

  /// The likeliest next token among those allowed, the lowest id of equals: what Sampler takes at
  /// temperature 0. The last step may have asked for logits or for the best token alone.
  /// Throws Error(invalid_argument) if it asked for neither, Error(non_finite_logits).
  [[nodiscard]] TokenId best() const;

  /// The same of row `row` of the last step, which asked for every token's.
  [[nodiscard]] TokenId best(int row) const;

  [[nodiscard]] const Model& model() const noexcept;
  [[nodiscard]] const KvCache& cache() const noexcept;
  [[nodiscard]] int position() const noexcept;
  [[nodiscard]] bool rewind(int position) noexcept;
  [[nodiscard]] Session fork() const;

  struct State;
  [[nodiscard]] State& state() noexcept { return *state_; }

 private:
  explicit Session(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// The tokens that one session adds in a step.
struct StepEntry {
  Session* session = nullptr;
  TokenSpan tokens = {};
  WantLogits logits = WantLogits::last;
  /// Next tokens that may be said, one mask for each row that `logits` asks for, or no mask: all.
  /// What no row of a step allows is not computed, so a small set makes the step cheaper.
  std::span<const TokenMask> allowed = {};
};

/// One pass over the weights for several sessions of one model (more passes if the rows exceed
/// LoadOptions::prefill_chunk). All entries are checked before any of them runs.
/// WantLogits::all takes at most 64 tokens an entry. Returns false if cancelled.
/// Throws Error(invalid_argument) as Session::prefill does, or if a session appears twice or a mask
/// allows no token.
GEMMA2_API bool step(std::span<const StepEntry> entries, const std::stop_token& cancel = {});

}  // namespace gemma2
