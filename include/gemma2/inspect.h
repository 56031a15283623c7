// SPDX-License-Identifier: Apache-2.0
//
// What is in a checkpoint, without loading its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "gemma2/config.h"
#include "gemma2/types.h"

namespace gemma2 {

struct MetadataEntry {
  std::string key = {};
  std::string type = {};   // "u32", "string", "array of f32"
  std::string value = {};  // long values are cut and say so
};

struct TensorInfo {
  std::string name = {};  // in GGUF spelling, whatever the container
  DType type = DType::f32;
  std::vector<std::int64_t> shape = {};  // [rows, cols], or [cols]
  std::uint64_t bytes = 0;
};

struct CheckpointInfo {
  std::string container = {};  // "gguf v3", "gguf v3 in zip", "safetensors"
  ModelConfig config = {};
  std::vector<MetadataEntry> metadata = {};
  std::vector<TensorInfo> tensors = {};
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;
};

/// Throws Error(io | malformed_file | unsupported) exactly where Model::load would for the header.
[[nodiscard]] GEMMA2_API CheckpointInfo inspect(const std::filesystem::path& checkpoint);

/// The same of a GGUF in memory, as Model::from_bytes takes it.
[[nodiscard]] GEMMA2_API CheckpointInfo inspect(std::span<const std::byte> bytes);

}  // namespace gemma2
