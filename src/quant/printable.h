// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gemma2 {

/// Text from a file, fit for a message: valid UTF-8, without control characters (they would reach a
/// terminal), cut to about `longest` bytes with a note of the full length.
[[nodiscard]] std::string printable(std::string_view text, std::size_t longest = 80);

}  // namespace gemma2
