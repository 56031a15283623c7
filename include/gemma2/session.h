// SPDX-License-Identifier: Apache-2.0
//
// One conversation with a model: a KV cache and the logits after its last token.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "gemma2/kv_cache.h"

namespace gemma2 {

/// Which rows of a step get logits. One row is vocab_size floats.
enum class WantLogits : std::uint8_t { none, last, all };

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

  /// Appends one token.
  bool decode(TokenId token, const std::stop_token& cancel = {});

  /// Makes the cached tokens a prefix of `context`, dropping what differs, and returns how many
  /// are kept: at most context.size() - 1, so that feeding the rest yields fresh logits, or all of
  /// them if the session already stands exactly there.
  [[nodiscard]] int reuse_prefix(TokenSpan context);

  /// log p(tokens[i] | everything before), natural log. The session must not be empty; the tokens
  /// are appended.
  [[nodiscard]] std::vector<float> score(TokenSpan tokens);

  /// [vocab_size], after the soft cap; empty before the first token and after a rewind.
  [[nodiscard]] std::span<const float> logits() const noexcept;

  /// Row `row` of the last step that asked for WantLogits::all.
  [[nodiscard]] std::span<const float> logits(int row) const;

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
};

/// One pass over the weights for several sessions of one model (more passes if the rows exceed
/// LoadOptions::prefill_chunk). All entries are checked before any of them runs.
/// WantLogits::all takes at most 64 tokens an entry. Returns false if cancelled.
/// Throws Error(invalid_argument) as Session::prefill does, or if a session appears twice.
GEMMA2_API bool step(std::span<const StepEntry> entries, const std::stop_token& cancel = {});

}  // namespace gemma2
