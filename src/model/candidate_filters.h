// SPDX-License-Identifier: Apache-2.0
//
// The filters of sampling. Nothing here sorts 256,000 tokens: each filter finds where the order by
// weight is to be cut, and who is on which side of a cut is one comparison a token. Weights stay in
// ascending order of token id, in which they are also summed, whatever was filtered before.
//
// How they are summed (a seed means the same tokens everywhere, so this never changes): float32
// within blocks of 256 consecutive candidates as kernels/row_math.h says, then float64 over blocks
// and within the block on which a draw falls, in ascending order.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

/// Where the order by weight (best first, ties: lower index) ends: what weighs more than `weight`
/// stays, and what weighs as much up to index `last`. Nothing of weight 0 ever stays.
struct Cut {
  float weight = 0;
  std::size_t last = std::numeric_limits<std::size_t>::max();
};

/// Ids of the `count` highest logits, in ascending order of id; of equal logits the lower ids.
/// Tokens with a logit of -inf are banned and never among them. O(vocab_size) for any count.
/// maxima: of the blocks of `logits`, as block_maxima leaves them.
[[nodiscard]] std::vector<TokenId> best_tokens(std::span<const float> logits,
                                               std::span<const float> maxima, int count);

/// The same with its own maxima.
[[nodiscard]] std::vector<TokenId> best_tokens(std::span<const float> logits, int count);

/// The token of the highest logit, the lowest of equals; -inf means that a token is not allowed.
/// Throws Error(non_finite_logits) if one of the `allowed` others is a NaN.
[[nodiscard]] TokenId best_token(std::span<const float> logits, int allowed);

/// The first index of the largest value.
[[nodiscard]] std::size_t first_largest(std::span<const float> logits,
                                        std::span<const float> maxima) noexcept;

/// The shortest beginning of the order that weighs `wanted` or more: the token that crosses the
/// mark stays. All stay if the sums' rounding leaves `wanted` out of reach.
[[nodiscard]] Cut cut_top_p(std::span<const float> weights, double wanted);

/// Index of the weight in which the share `u` of all weight before the cut is reached, u in [0, 1).
/// sums: of the blocks of `weights`; overwritten. At least one weight stays.
[[nodiscard]] std::size_t draw(std::span<const float> weights, std::span<float> sums,
                               const Cut& cut, double u) noexcept;

}  // namespace gemma2
