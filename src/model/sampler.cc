// SPDX-License-Identifier: Apache-2.0
//
// Logits -> one token. The order is the one in which SamplingOptions lists its fields: bias,
// penalties, temperature, top_k, top_p, min_p, draw. So top_p and min_p see the tempered
// distribution, and top_p is a share of what top_k left. Weights and their sums are the same on
// every machine (candidate_filters.h), so a seed means the same tokens everywhere.
//
// A pass over the vocabulary takes 20 to 150 microseconds and a decoded token some 50,000, so the
// passes are few: the largest logits of all blocks of 256; with top_k, the blocks that matter; else
// the weights of all tokens, and for top_p one more over the few heavy ones, mostly.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

#include "gemma2/sampling.h"

#include "check.h"
#include "kernels/row_math.h"
#include "model/allowed_tokens.h"
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

/// Copies the allowed logits, bans the others. Throws Error(non_finite_logits) about allowed ones.
void copy_allowed(std::span<float> to, std::span<const float> logits, TokenMask allowed) {
  const int count = count_allowed(allowed, static_cast<int>(logits.size()));
  int non_finite = 0;
  TokenId first = -1;
  std::fill(to.begin(), to.end(), -INFINITY);
  for (std::size_t w = 0; w < allowed.size(); ++w) {
    for (std::uint64_t bits = allowed[w]; bits != 0; bits &= bits - 1) {
      const std::size_t i = w * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (i >= logits.size()) break;
      to[i] = logits[i];
      if (is_finite(logits[i])) continue;
      if (non_finite == 0) first = static_cast<TokenId>(i);
      ++non_finite;
    }
  }
  if (non_finite > 0) fail_non_finite(count, non_finite, first);
}

double sum_of(std::span<const float> sums) noexcept {
  double total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int vocab_size)
    : options_(options), vocab_size_(vocab_size) {
  check(options, vocab_size);
}

bool Sampler::takes_best() const noexcept {
  return options_.temperature == 0 && options_.logit_bias.empty() && !has_penalties(options_);
}

TokenId Sampler::sample(std::span<const float> logits, int position, TokenMask allowed) {
  require(logits.size() == static_cast<std::size_t>(vocab_size_), ErrorCode::invalid_argument,
          "logits: expected one number for each of {} tokens, found {}", vocab_size_,
          logits.size());
  require(position >= 0, ErrorCode::invalid_argument, "position: expected 0 or more, found {}",
          position);
  const std::span<const float> row = adjust(logits, allowed);
  const float best = *std::max_element(maxima_.begin(), maxima_.end());
  require(best != -INFINITY, ErrorCode::invalid_argument,
          "logit_bias: expected at least one token that is not banned, found none of {}",
          vocab_size_);
  if (options_.temperature == 0) return static_cast<TokenId>(first_largest(row, maxima_));
  return draw_from(row, best, uniform01(options_.seed, static_cast<std::uint64_t>(position)));
}

/// The logits with mask, bias and penalties applied: `logits` itself if there are none. Leaves the
/// maxima of its blocks.
std::span<const float> Sampler::adjust(std::span<const float> logits, TokenMask allowed) {
  maxima_.resize(count_row_blocks(logits.size()));
  const bool changes = !options_.logit_bias.empty() || has_penalties(options_);
  if (allowed.empty() && !block_maxima(maxima_, logits)) fail_non_finite(logits);
  if (allowed.empty() && !changes) return logits;
  adjusted_.resize(logits.size());
  if (allowed.empty()) {
    std::copy(logits.begin(), logits.end(), adjusted_.begin());
  } else {
    copy_allowed(adjusted_, logits, allowed);
  }
  apply_bias(adjusted_, options_);
  if (has_penalties(options_)) apply_penalties(adjusted_, history_, options_);
  block_maxima(maxima_, adjusted_);
  return adjusted_;
}

TokenId Sampler::draw_from(std::span<const float> row, float best, double u) {
  ids_.clear();                 // none: the candidates are all tokens
  weights_.resize(row.size());  // only ever grows: filling a megabyte takes as long as a pass
  std::span<float> weights = weights_;
  std::span<const float> source = row;
  if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < row.size()) {
    ids_ = best_tokens(row, maxima_, options_.top_k);
    weights = weights.first(ids_.size());
    std::transform(ids_.begin(), ids_.end(), weights.begin(),
                   [&](TokenId id) { return row[static_cast<std::size_t>(id)]; });
    source = weights;
  }
  sums_.resize(count_row_blocks(source.size()));
  constexpr float kMaxFactor = std::numeric_limits<float>::max();  // the best one's exponent is 0
  exp_weights(weights, sums_, source, best, std::min(1 / options_.temperature, kMaxFactor));
  Cut cut;
  if (options_.top_p < 1) {
    const double wanted = options_.top_p * sum_of(sums_);
    if (ids_.empty()) weights = keep_heavy(wanted);
    cut = cut_top_p(weights, wanted);
  }
  if (options_.min_p > cut.weight) cut = {.weight = options_.min_p};
  const std::size_t index = draw(weights, sums_, cut, u);
  return ids_.empty() ? static_cast<TokenId>(index) : ids_[index];
}

/// If few tokens have weight `wanted` together, as is usual, these become the candidates. Returns
/// the candidates' weights.
std::span<float> Sampler::keep_heavy(double wanted) {
  constexpr float kHeavy = 0x1p-10F;
  constexpr std::size_t kMost = 4096;
  double mass = 0;
  for (std::size_t b = 0; b < sums_.size(); ++b) {
    if (sums_[b] < kHeavy) continue;  // nothing in it is heavy
    const std::size_t end = std::min((b + 1) * kRowBlock, weights_.size());
    for (std::size_t i = b * kRowBlock; i < end; ++i) {
      if (weights_[i] < kHeavy) continue;
      ids_.push_back(static_cast<TokenId>(i));
      mass += weights_[i];
    }
    if (ids_.size() > kMost) break;
  }
  if (ids_.size() > kMost || mass < wanted) {
    ids_.clear();
    return weights_;
  }
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    weights_[i] = weights_[static_cast<std::size_t>(ids_[i])];  // ids ascend: none is overwritten
  }
  const std::span<float> weights = std::span(weights_).first(ids_.size());
  sums_.resize(count_row_blocks(ids_.size()));
  for (std::size_t b = 0; b < sums_.size(); ++b) {
    const std::size_t first = b * kRowBlock;
    const std::size_t count = std::min<std::size_t>(kRowBlock, weights.size() - first);
    sums_[b] = sum_from(weights.subspan(first, count), 0);
  }
  return weights;
}

void Sampler::accept(TokenId token) {
  require(token >= 0 && token < vocab_size_, ErrorCode::invalid_argument,
          "token: expected an id from 0 to {}, found {}", vocab_size_ - 1, token);
  if (has_penalties(options_)) history_.push_back(token);
}

}  // namespace gemma2
