// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace gemma2 {

/// What a file that is no checkpoint seems to be, from its first bytes: "an HTML page; was a login
/// needed to download the model?".
[[nodiscard]] std::string guess_kind(std::span<const std::byte> file);

}  // namespace gemma2
