// SPDX-License-Identifier: Apache-2.0
//
// Logits -> one token. The order is the one in which SamplingOptions lists its fields: bias,
// penalties, temperature, top_k, top_p, min_p, draw. So top_p and min_p see the tempered
// distribution, and top_p is a share of what top_k left. All sums are float64 in ascending order of
// token id; with the arithmetic of sampling_math.h, a seed means the same tokens everywhere.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "gemma2/sampling.h"

#include "check.h"
#include "model/candidate_filters.h"
#include "model/sampling_math.h"

namespace gemma2 {

namespace {

constexpr float kMaxBias = 1e6F;

void require_range(const char* name, double value, double low, double high) {
  require(value >= low && value <= high, ErrorCode::invalid_argument,
          "{}: expected a number from {} to {}, found {}", name, low, high, value);
}

void check_bias(const SamplingOptions& options, int vocab_size) {
  for (const auto& [token, bias] : options.logit_bias) {
    require(token >= 0 && token < vocab_size, ErrorCode::invalid_argument,
            "logit_bias: expected token ids from 0 to {}, found {}", vocab_size - 1, token);
    require(std::abs(bias) <= kMaxBias || bias == -INFINITY, ErrorCode::invalid_argument,
            "logit_bias: expected a number from {} to {} or -inf for token {}, found {}", -kMaxBias,
            kMaxBias, token, bias);
  }
}

void check(const SamplingOptions& options, int vocab_size) {
  require(vocab_size >= 1, ErrorCode::invalid_argument, "vocab_size: expected at least 1, found {}",
          vocab_size);
  check_bias(options, vocab_size);
  require(options.repetition_penalty > 0 && std::isfinite(options.repetition_penalty),
          ErrorCode::invalid_argument, "repetition_penalty: expected a number above 0, found {}",
          options.repetition_penalty);
  require_range("frequency_penalty", options.frequency_penalty, -2, 2);
  require_range("presence_penalty", options.presence_penalty, -2, 2);
  require(options.penalty_window >= -1, ErrorCode::invalid_argument,
          "penalty_window: expected -1 (all) or a number of tokens, found {}",
          options.penalty_window);
  require_range("temperature", options.temperature, 0, 100);
  require(options.top_k >= 0, ErrorCode::invalid_argument,
          "top_k: expected 0 (all) or a number of tokens, found {}", options.top_k);
  require(options.top_p > 0 && options.top_p <= 1, ErrorCode::invalid_argument,
          "top_p: expected a number above 0 and at most 1, found {}", options.top_p);
  require_range("min_p", options.min_p, 0, 1);
}

/// Sums of options can exceed a float; they must not turn into infinities, which mean "banned".
float to_finite_float(double x) noexcept {
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(x, -kMax, kMax));
}

void apply_bias(std::span<float> logits, const SamplingOptions& options) {
  for (const auto& [token, bias] : options.logit_bias) {
    float& logit = logits[static_cast<std::size_t>(token)];
    const bool banned = bias == -INFINITY || logit == -INFINITY;
    logit = banned ? -INFINITY : to_finite_float(static_cast<double>(logit) + bias);
  }
}

double penalized(double logit, std::ptrdiff_t times_seen, const SamplingOptions& options) noexcept {
  const double penalty = options.repetition_penalty;
  const double divided = logit > 0 ? logit / penalty : logit * penalty;
  return divided - options.frequency_penalty * static_cast<double>(times_seen) -
         options.presence_penalty;
}

void apply_penalties(std::span<float> logits, std::span<const TokenId> history,
                     const SamplingOptions& options) {
  const auto window = static_cast<std::size_t>(options.penalty_window);  // -1: larger than any
  const TokenSpan seen = history.last(std::min(window, history.size()));
  std::vector<TokenId> sorted(seen.begin(), seen.end());
  std::sort(sorted.begin(), sorted.end());
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto end = std::upper_bound(first, sorted.end(), *first);
    float& logit = logits[static_cast<std::size_t>(*first)];
    if (logit != -INFINITY) logit = to_finite_float(penalized(logit, end - first, options));
    first = end;
  }
}

bool has_penalties(const SamplingOptions& options) noexcept {
  return options.penalty_window != 0 &&
         (options.repetition_penalty != 1 || options.frequency_penalty != 0 ||
          options.presence_penalty != 0);
}

/// The tokens that are not banned, in ascending order, at most the top_k best.
std::vector<TokenId> eligible_tokens(std::span<const float> logits, int top_k) {
  if (top_k > 0 && static_cast<std::size_t>(top_k) < logits.size()) {
    return best_tokens(logits, top_k);
  }
  std::vector<TokenId> ids;
  ids.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != -INFINITY) ids.push_back(static_cast<TokenId>(i));
  }
  return ids;
}

Candidates make_candidates(std::span<const float> logits, float best,
                           const SamplingOptions& options) {
  Candidates candidates = {.ids = eligible_tokens(logits, options.top_k)};
  candidates.weights.resize(candidates.ids.size());
  for (std::size_t i = 0; i < candidates.ids.size(); ++i) {
    const double logit = logits[static_cast<std::size_t>(candidates.ids[i])];
    candidates.weights[i] = (logit - best) / options.temperature;
  }
  exp_nonpositive(candidates.weights);
  if (options.top_p < 1) keep_top_p(candidates, options.top_p);
  if (options.min_p > 0) keep_min_p(candidates, options.min_p);
  return candidates;
}

/// The candidate in which the share `u` of all weight is reached, u in [0, 1).
TokenId draw(const Candidates& candidates, double u) noexcept {
  double total = 0;
  for (const double weight : candidates.weights) total += weight;
  const double mark = u * total;
  double sum = 0;
  for (std::size_t i = 0; i < candidates.ids.size(); ++i) {
    sum += candidates.weights[i];
    if (sum > mark) return candidates.ids[i];
  }
  return candidates.ids.back();  // not reached: the same sum ends at total, and mark is below it
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int vocab_size) : options_(options) {
  check(options, vocab_size);
  adjusted_.resize(static_cast<std::size_t>(vocab_size));
}

TokenId Sampler::sample(std::span<const float> logits, int position) {
  require(logits.size() == adjusted_.size(), ErrorCode::invalid_argument,
          "logits: expected one number for each of {} tokens, found {}", adjusted_.size(),
          logits.size());
  require(position >= 0, ErrorCode::invalid_argument, "position: expected 0 or more, found {}",
          position);
  static_cast<void>(checked_max(logits));
  std::copy(logits.begin(), logits.end(), adjusted_.begin());
  apply_bias(adjusted_, options_);
  if (has_penalties(options_)) apply_penalties(adjusted_, history_, options_);

  const auto best = std::max_element(adjusted_.begin(), adjusted_.end());  // the first of equals
  require(*best != -INFINITY, ErrorCode::invalid_argument,
          "logit_bias: expected at least one token that is not banned, found none of {}",
          adjusted_.size());
  if (options_.temperature == 0) return static_cast<TokenId>(best - adjusted_.begin());
  return draw(make_candidates(adjusted_, *best, options_),
              uniform01(options_.seed, static_cast<std::uint64_t>(position)));
}

void Sampler::accept(TokenId token) {
  require(token >= 0 && static_cast<std::size_t>(token) < adjusted_.size(),
          ErrorCode::invalid_argument, "token: expected an id from 0 to {}, found {}",
          adjusted_.size() - 1, token);
  if (has_penalties(options_)) history_.push_back(token);
}

}  // namespace gemma2
