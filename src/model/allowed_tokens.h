// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gemma2/token_mask.h"

namespace gemma2 {

/// How many tokens of the vocabulary `mask` allows.
/// Throws Error(invalid_argument) if it has another number of words than the vocabulary needs, or
/// if it allows no token at all.
[[nodiscard]] int count_allowed(TokenMask mask, int vocab_size);

}  // namespace gemma2
