// SPDX-License-Identifier: Apache-2.0
//
// How far one arithmetic's predictions are from another's, over texts: mean Kullback-Leibler
// divergence in nats, at every position of every text. All models are fed side by side, so only a
// block of logits of each is in memory at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gemma2/gemma2.h"

namespace gemma2::bench {

/// A model and how its keys and values are stored.
struct Contestant {
  Model model;
  CacheType cache = CacheType::automatic;
};

/// KL(reference || candidate), both indices of contestants.
struct Comparison {
  int reference = 0;
  int candidate = 0;
  double kl_sum = 0;
  long positions = 0;
  long same_best = 0;  // positions at which both find the same token likeliest

  [[nodiscard]] double mean_kl() const noexcept { return kl_sum / static_cast<double>(positions); }
  [[nodiscard]] double agreement() const noexcept {
    return static_cast<double>(same_best) / static_cast<double>(positions);
  }
};

/// The "text" of each line of a JSON Lines file, at most `max_lines` of them, as tokens of the
/// template mode, cut to `max_tokens`.
[[nodiscard]] std::vector<std::vector<TokenId>> read_texts(const std::filesystem::path& path,
                                                           const Tokenizer& tokenizer,
                                                           int max_lines, int max_tokens);

/// Those of at least 4 windows, in which local layers have forgotten and global ones have not.
[[nodiscard]] std::vector<std::vector<TokenId>> long_texts(std::vector<std::vector<TokenId>> texts,
                                                           const ModelConfig& config);

/// Adds what the texts show to each comparison. The models must share a vocabulary.
void compare(const std::vector<Contestant>& contestants,
             const std::vector<std::vector<TokenId>>& texts, std::vector<Comparison>& comparisons);

}  // namespace gemma2::bench
