// SPDX-License-Identifier: Apache-2.0
//
// Log-probabilities under the model's own distribution: no temperature, no filters, no penalties.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "gemma2/sampling.h"

#include "check.h"
#include "model/candidate_filters.h"
#include "model/sampling_math.h"
#include "model/token_logprobs.h"

namespace gemma2 {

namespace {

/// log(sum(exp(logits))): what turns a logit into a log-probability.
double log_normalizer(std::span<const float> logits) {
  const double largest = checked_max(logits);
  std::array<double, 1024> block = {};
  double sum = 0;
  for (std::size_t first = 0; first < logits.size(); first += block.size()) {
    const auto part = logits.subspan(first, std::min(block.size(), logits.size() - first));
    const std::span<double> terms = std::span(block).first(part.size());
    std::transform(part.begin(), part.end(), terms.begin(),
                   [&](float x) { return static_cast<double>(x) - largest; });
    exp_nonpositive(terms);
    for (const double term : terms) sum += term;
  }
  return largest + std::log(sum);
}

std::vector<TokenLogprob> best_logprobs(std::span<const float> logits, int count,
                                        double normalizer) {
  std::vector<TokenLogprob> result;
  for (const TokenId token : best_tokens(logits, count)) {
    const float logit = logits[static_cast<std::size_t>(token)];
    result.push_back({.token = token, .logprob = static_cast<float>(logit - normalizer)});
  }
  // Logits, not log-probabilities, decide: rounding may make different ones equal.
  std::stable_sort(result.begin(), result.end(), [&](const TokenLogprob& a, const TokenLogprob& b) {
    return logits[static_cast<std::size_t>(a.token)] > logits[static_cast<std::size_t>(b.token)];
  });
  return result;
}

}  // namespace

float logprob(std::span<const float> logits, TokenId token) {
  require(token >= 0 && static_cast<std::size_t>(token) < logits.size(),
          ErrorCode::invalid_argument, "token: expected an id below {}, found {}", logits.size(),
          token);
  return static_cast<float>(logits[static_cast<std::size_t>(token)] - log_normalizer(logits));
}

std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int count) {
  require(count >= 0, ErrorCode::invalid_argument, "count: expected 0 or more, found {}", count);
  return best_logprobs(logits, count, log_normalizer(logits));
}

GeneratedToken with_logprobs(TokenId token, std::span<const float> logits, int top) {
  const double normalizer = log_normalizer(logits);
  const float logit = logits[static_cast<std::size_t>(token)];
  return {token, static_cast<float>(logit - normalizer), best_logprobs(logits, top, normalizer)};
}

}  // namespace gemma2
