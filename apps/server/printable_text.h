// SPDX-License-Identifier: Apache-2.0
//
// Text of strangers inside our messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gemma2::server {

/// Whether the byte is one of UTF-8 but the first of its character.
[[nodiscard]] constexpr bool continues_character(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// `text` with control characters escaped, cut after about `most` bytes where "..." follows. Valid
/// UTF-8 stays valid.
[[nodiscard]] std::string quotable(std::string_view text, std::size_t most = 80);

}  // namespace gemma2::server
