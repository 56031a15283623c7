// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/gguf.h"
#include "vocabulary.h"

namespace gemma2 {

/// The vocabulary in a GGUF's metadata: equally long arrays of tokens, scores and types, and ids
/// within them. Throws Error(malformed_file | unsupported).
[[nodiscard]] Vocabulary read_gguf_vocabulary(const GgufFile& file);

}  // namespace gemma2
