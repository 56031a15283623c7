// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. Text that
// reaches this library is data, so every function takes any bytes.
#pragma once

#include <string>
#include <string_view>

namespace gemma2 {

/// U+2581, which stands for a space inside pieces.
inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";

/// U+FFFD, which stands for a byte that is no part of a character.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Utf8Char {
  char32_t code = 0;
  int length = 0;  // bytes; 0: the text does not begin with a well-formed character
};

[[nodiscard]] Utf8Char decode_utf8(std::string_view text) noexcept;

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// True if `text` is the beginning of some character but not yet a whole one.
[[nodiscard]] bool is_unfinished_utf8(std::string_view text) noexcept;

/// Puts U+FFFD in the place of every byte that belongs to no character.
[[nodiscard]] std::string repair_utf8(std::string_view text);

/// Every occurrence of `from` (not empty) becomes `to`.
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from,
                                      std::string_view to);

/// Without the Unicode white space at both ends (the set that Jinja's `trim` removes).
[[nodiscard]] std::string_view trim_whitespace(std::string_view text) noexcept;

}  // namespace gemma2
