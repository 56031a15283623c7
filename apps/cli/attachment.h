// SPDX-License-Identifier: Apache-2.0
//
// A text file that goes along with a message, and what files a conversation takes at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gemma2::cli {

/// More than any context holds: 131072 tokens are about half as many kilobytes.
inline constexpr std::uint64_t kLongestAttachment = std::uint64_t{1} << 20U;

/// Bytes of a regular file. Throws Failure naming what else is there; a pipe is not waited for.
[[nodiscard]] std::uint64_t regular_file_size(const std::string& path);

/// The text of a file. Throws Failure if it is no regular file, empty, too large or not UTF-8 text.
[[nodiscard]] std::string read_text_file(const std::string& path);

/// What the model reads: the file's name, and its text between fences that it does not contain.
[[nodiscard]] std::string quote_file(std::string_view name, std::string_view text);

}  // namespace gemma2::cli
