// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "gemma2/generate.h"

namespace gemma2 {

/// The token with its log-probability and the `top` likeliest ones: logprob() and top_logprobs() in
/// one go, for the sum over the vocabulary is what takes the time.
[[nodiscard]] GeneratedToken with_logprobs(TokenId token, std::span<const float> logits, int top);

}  // namespace gemma2
