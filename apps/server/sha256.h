// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4), for API keys: equal lengths make them comparable in constant time. Not for
// large files.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gemma2::server {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::string_view bytes) noexcept;

}  // namespace gemma2::server
