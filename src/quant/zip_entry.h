// SPDX-License-Identifier: Apache-2.0
//
// Finds a GGUF that is stored, not compressed, in a zip: a .llamafile is a program with such a zip
// behind it. Only the central directory at the end counts; what the file looks like at its
// beginning does not. Zip64 throughout.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gemma2 {

/// True if the file ends with a zip's directory.
[[nodiscard]] bool is_zip(std::span<const std::byte> file) noexcept;

/// The bytes of the member called `wanted`; if that is empty, of the only .gguf, or, where there
/// are several, of the one that the member ".args" (a llamafile's command line) names after -m.
/// Throws Error(malformed_file | unsupported).
[[nodiscard]] std::span<const std::byte> find_stored_gguf(std::span<const std::byte> file,
                                                          std::string_view wanted);

/// The members whose names end in .gguf. Throws Error(malformed_file).
[[nodiscard]] std::vector<std::string_view> gguf_names(std::span<const std::byte> file);

/// The text of the member ".args", if there is one. Throws Error(malformed_file | unsupported).
[[nodiscard]] std::optional<std::string_view> find_stored_arguments(
    std::span<const std::byte> file);

}  // namespace gemma2
