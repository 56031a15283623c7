// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "mapped_file.h"
#include "quant/checkpoint_contents.h"

namespace gemma2 {

/// One whole GGUF in memory. Throws Error(malformed_file | unsupported).
[[nodiscard]] CheckpointContents read_gguf_bytes(std::span<const std::byte> bytes);

/// A .gguf file and, if it is the first of several parts, the others beside it.
/// Throws Error(io | malformed_file | unsupported).
[[nodiscard]] CheckpointContents read_gguf_file(MappedFile file);

}  // namespace gemma2
