// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer that belongs to a checkpoint, wherever the checkpoint keeps it.
#pragma once

#include "gemma2/tokenizer.h"

#include "quant/checkpoint.h"

namespace gemma2 {

/// Throws Error(io | malformed_file | unsupported), among others if the vocabulary has not as many
/// pieces as the configuration says: each id would then mean something else, or nothing.
[[nodiscard]] Tokenizer make_tokenizer_for(const Checkpoint& checkpoint);

}  // namespace gemma2
