// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/checkpoint.h"
#include "quant/gguf_writer.h"

namespace gemma2 {

/// Adds the metadata of `checkpoint` to a new GGUF whose matrices are mostly `matrices`. The keys
/// of a GGUF are kept, unless they speak of weight types or parts; those of a Hugging Face
/// directory are made from its configuration and tokenizer. Throws Error(io | malformed_file |
/// unsupported).
void add_gguf_keys(GgufWriter& writer, const Checkpoint& checkpoint, DType matrices);

}  // namespace gemma2
