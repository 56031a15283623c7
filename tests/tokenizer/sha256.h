// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4), to compare a whole vocabulary with one number.
#pragma once

#include <string>
#include <string_view>

namespace gemma2::test {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace gemma2::test
