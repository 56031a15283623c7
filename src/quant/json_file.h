// SPDX-License-Identifier: Apache-2.0
//
// JSON from files that somebody else wrote: shallow, small, every key once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace gemma2 {

/// Throws Error(malformed_file) for what is no JSON, nests deeper than 64 or repeats a key.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

/// The same from a file of at most `longest` bytes; messages begin with its path.
/// Throws Error(io | malformed_file).
[[nodiscard]] nlohmann::json read_json_file(const std::filesystem::path& path, std::size_t longest);

/// What a parser complained about, without the library's own prefix.
[[nodiscard]] std::string json_complaint(const nlohmann::json::exception& error);

}  // namespace gemma2
