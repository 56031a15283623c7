// SPDX-License-Identifier: Apache-2.0
//
// The filters of sampling. Of 256,000 tokens some ten usually survive, so nothing here sorts them
// all: each filter finds its cut in one or two passes and keeps the order of the ids, in which
// probabilities are also summed, whatever was filtered before.
#pragma once

#include <span>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

/// The tokens still in the draw. Parallel arrays, ids ascending.
struct Candidates {
  std::vector<TokenId> ids = {};
  std::vector<double> weights = {};  // proportional to the probability, the best has 1
};

/// Ids of the `count` highest logits, in ascending order of id; of equal logits the lower ids.
/// Tokens with a logit of -inf are banned and never among them. O(vocab_size) for any count.
[[nodiscard]] std::vector<TokenId> best_tokens(std::span<const float> logits, int count);

/// Drops every token before which, in descending order of weight (ties: ascending id), lies at
/// least the share `top_p` of all weight: the token that crosses the mark stays.
void keep_top_p(Candidates& candidates, double top_p);

/// Drops every token whose weight is below `min_p`; the best one's is 1.
void keep_min_p(Candidates& candidates, double min_p);

}  // namespace gemma2
