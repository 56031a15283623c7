// SPDX-License-Identifier: Apache-2.0
//
// The safetensors container: a JSON table of tensors, then their data without gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gemma2 {

struct SafeTensor {
  std::string name;
  std::string dtype;                // "BF16"
  std::vector<std::int64_t> shape;  // row-major
  std::span<const std::byte> bytes;
};

/// Checks the whole table: sizes match shapes, the data is covered once and completely. The spans
/// point into `file`. Throws Error(malformed_file | unsupported).
[[nodiscard]] std::vector<SafeTensor> read_safetensors(std::span<const std::byte> file);

}  // namespace gemma2
