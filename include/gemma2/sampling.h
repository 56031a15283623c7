// SPDX-License-Identifier: Apache-2.0
//
// From logits to the next token.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

/// Applied in this order; every default leaves the model's distribution alone.
struct SamplingOptions {
  std::vector<std::pair<TokenId, float>> logit_bias = {};  // added to the logit; -inf bans
  float repetition_penalty = 1;  // > 0: seen tokens' logits are divided (positive) or multiplied
  float frequency_penalty = 0;   // -2 .. 2: subtracted once for each time the token was seen
  float presence_penalty = 0;    // -2 .. 2: subtracted once if the token was seen
  int penalty_window = 64;       // tokens looked back on; -1: all, 0: none
  float temperature = 1;         // 0 .. 100; 0: greedy, the lowest id wins ties
  int top_k = 0;                 // keep the k likeliest; 0: all
  float top_p = 1;               // (0, 1]: keep the smallest set with this much probability
  float min_p = 0;               // [0, 1]: drop what is less likely than this share of the best
  std::uint64_t seed = 0;
};

struct TokenLogprob {
  TokenId token = -1;
  float logprob = 0;  // natural log, of the model's own distribution
};

/// Draws tokens. The n-th draw depends on the seed, the position and the logits alone.
class GEMMA2_API Sampler {
 public:
  /// Throws Error(invalid_argument) naming the option, its range and the value found.
  Sampler(const SamplingOptions& options, int vocab_size);

  /// Token for `position`, the index it will have in the sequence. logits: [vocab_size].
  /// Throws Error(non_finite_logits) if any logit is NaN or infinite.
  [[nodiscard]] TokenId sample(std::span<const float> logits, int position);

  /// Tells the penalties that `token` was said (by the prompt or by the model).
  void accept(TokenId token);

 private:
  SamplingOptions options_;
  std::vector<TokenId> history_;
  std::vector<float> adjusted_;  // logits after bias and penalties
};

/// log softmax(logits)[token].
[[nodiscard]] GEMMA2_API float logprob(std::span<const float> logits, TokenId token);

/// The `count` likeliest tokens, best first, ties by lower id.
[[nodiscard]] GEMMA2_API std::vector<TokenLogprob> top_logprobs(std::span<const float> logits,
                                                                int count);

}  // namespace gemma2
