// SPDX-License-Identifier: Apache-2.0
//
// From logits to the next token.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gemma2/token_mask.h"
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

  /// Token for `position`, the index it will have in the sequence. logits: [vocab_size]; those of
  /// tokens that are not `allowed` may be anything.
  /// Throws Error(non_finite_logits) if an allowed one is NaN or infinite,
  /// Error(invalid_argument) if the mask fits no vocabulary of this size or allows no token.
  [[nodiscard]] TokenId sample(std::span<const float> logits, int position, TokenMask allowed = {});

  /// Whether sample() is nothing but the best token, so that WantLogits::best will do.
  [[nodiscard]] bool takes_best() const noexcept;

  /// Tells the penalties that `token` was said (by the prompt or by the model).
  void accept(TokenId token);

 private:
  std::span<const float> adjust(std::span<const float> logits, TokenMask allowed);
  TokenId draw_from(std::span<const float> row, float best, double u);
  std::span<float> keep_heavy(double wanted);

  SamplingOptions options_;
  int vocab_size_;
  std::vector<TokenId> history_;
  std::vector<float> adjusted_;  // logits after mask, bias and penalties, if there are any
  std::vector<float> maxima_;    // of their blocks
  std::vector<TokenId> ids_;     // the candidates, ascending; none: all tokens
  std::vector<float> weights_;  // proportional to their probabilities, the best has 1; theirs first
  std::vector<float> sums_;     // of blocks of weights
};

/// log softmax(logits)[token].
[[nodiscard]] GEMMA2_API float logprob(std::span<const float> logits, TokenId token);

/// The `count` likeliest tokens, best first, ties by lower id.
[[nodiscard]] GEMMA2_API std::vector<TokenLogprob> top_logprobs(std::span<const float> logits,
                                                                int count);

}  // namespace gemma2
