// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "quant/checkpoint_contents.h"

namespace gemma2 {

/// A Hugging Face directory: config.json, model.safetensors or its shards, and a tokenizer.model or
/// tokenizer.json. Throws Error(io | malformed_file | unsupported).
[[nodiscard]] CheckpointContents read_hugging_face(const std::filesystem::path& directory);

}  // namespace gemma2
