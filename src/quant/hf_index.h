// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace gemma2 {

/// Which file of a sharded safetensors checkpoint holds each tensor: name -> file name.
using ShardOfTensor = std::map<std::string, std::string>;

/// Reads a model.safetensors.index.json. The file names come from somebody else: only plain names
/// of .safetensors files are let through. Throws Error(malformed_file).
[[nodiscard]] ShardOfTensor read_hf_index(std::string_view text);

}  // namespace gemma2
