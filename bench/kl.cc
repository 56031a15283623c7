// SPDX-License-Identifier: Apache-2.0
#include "kl.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <span>

#include <nlohmann/json.hpp>

namespace gemma2::bench {
namespace {

constexpr std::size_t kBlock = 64;  // rows that a step gives all logits of

double log_sum_exp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - largest);
  return largest + std::log(sum);
}

double divergence(std::span<const float> reference, std::span<const float> candidate) {
  const double p_norm = log_sum_exp(reference);
  const double q_norm = log_sum_exp(candidate);
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double log_p = reference[i] - p_norm;
    sum += std::exp(log_p) * (log_p - (candidate[i] - q_norm));
  }
  return sum;
}

std::ptrdiff_t best(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

void compare_row(const std::vector<Session>& sessions, int row, Comparison& comparison) {
  const auto p = sessions[static_cast<std::size_t>(comparison.reference)].logits(row);
  const auto q = sessions[static_cast<std::size_t>(comparison.candidate)].logits(row);
  comparison.kl_sum += divergence(p, q);
  comparison.same_best += best(p) == best(q) ? 1 : 0;
  ++comparison.positions;
}

void compare_text(const std::vector<Contestant>& contestants, TokenSpan text,
                  std::vector<Comparison>& comparisons) {
  std::vector<Session> sessions;
  for (const Contestant& contestant : contestants) {
    sessions.emplace_back(contestant.model, KvCacheOptions{.type = contestant.cache});
  }
  for (std::size_t first = 0; first < text.size(); first += kBlock) {
    const TokenSpan block = text.subspan(first, std::min(kBlock, text.size() - first));
    for (Session& session : sessions) {
      const StepEntry entry = {&session, block, WantLogits::all};
      step({&entry, 1});
    }
    for (int row = 0; row < static_cast<int>(block.size()); ++row) {
      for (Comparison& comparison : comparisons) compare_row(sessions, row, comparison);
    }
  }
}

}  // namespace

std::vector<std::vector<TokenId>> read_texts(const std::filesystem::path& path,
                                             const Tokenizer& tokenizer, int max_lines,
                                             int max_tokens) {
  std::ifstream in(path);
  std::vector<std::vector<TokenId>> texts;
  for (std::string line; static_cast<int>(texts.size()) < max_lines && std::getline(in, line);) {
    const auto text = nlohmann::json::parse(line).at("text").get<std::string>();
    std::vector<TokenId> tokens = tokenizer.encode(text, {.parse_special = true});
    if (static_cast<int>(tokens.size()) > max_tokens) {
      tokens.resize(static_cast<std::size_t>(max_tokens));
    }
    texts.push_back(std::move(tokens));
  }
  return texts;
}

std::vector<std::vector<TokenId>> long_texts(std::vector<std::vector<TokenId>> texts,
                                             const ModelConfig& config) {
  const auto least = 4 * static_cast<std::size_t>(config.sliding_window);
  std::erase_if(texts, [&](const std::vector<TokenId>& text) { return text.size() < least; });
  return texts;
}

void compare(const std::vector<Contestant>& contestants,
             const std::vector<std::vector<TokenId>>& texts, std::vector<Comparison>& comparisons) {
  for (const std::vector<TokenId>& text : texts) compare_text(contestants, text, comparisons);
}

}  // namespace gemma2::bench
