// SPDX-License-Identifier: Apache-2.0
//
// What is in a checkpoint, without loading its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
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

/// What the zip at the end of a file stores: of a .llamafile or a bundle.
struct ArchiveInfo {
  std::vector<std::string> models = {};       // names of its GGUF members
  std::optional<std::string> arguments = {};  // its member ".args", one argument a line
};

/// Nothing if `path` (or FILE of FILE@MEMBER) is no file that ends with a zip.
/// Throws Error(io | malformed_file | unsupported).
[[nodiscard]] GEMMA2_API std::optional<ArchiveInfo> inspect_archive(
    const std::filesystem::path& path);

/// A text of arguments, one a line, held to what the member ".args" may be: at most 64 KiB without
/// NUL bytes. Throws Error(io | malformed_file).
[[nodiscard]] GEMMA2_API std::string read_argument_file(const std::filesystem::path& path);

/// Where in a file a GGUF lies.
struct GgufRange {
  std::filesystem::path file = {};
  std::string name = {};  // without folders
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

/// Of a GGUF, or of one that a zip stores. Throws Error(io | malformed_file | unsupported): a split
/// GGUF and a directory are more than one range.
[[nodiscard]] GEMMA2_API GgufRange locate_gguf(const std::filesystem::path& path);

}  // namespace gemma2
