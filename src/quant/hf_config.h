// SPDX-License-Identifier: Apache-2.0
//
// A Hugging Face config.json -> hyperparameters.
#pragma once

#include <string_view>
#include <vector>

#include "gemma2/config.h"
#include "gemma2/inspect.h"

namespace gemma2 {

struct HfConfig {
  ModelConfig config;                   // validated
  std::vector<MetadataEntry> metadata;  // the file's keys, and what was corrected
};

/// Understands the spellings of old and new versions of transformers.
/// Throws Error(malformed_file | unsupported) naming the key.
[[nodiscard]] HfConfig read_hf_config(std::string_view text);

}  // namespace gemma2
