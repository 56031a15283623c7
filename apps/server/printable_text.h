// SPDX-License-Identifier: Apache-2.0
//
// Text of strangers inside our messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gemma2::server {

/// `text` with control characters escaped, cut after about `most` bytes where "..." follows. Valid
/// UTF-8 stays valid.
[[nodiscard]] std::string quotable(std::string_view text, std::size_t most = 80);

}  // namespace gemma2::server
