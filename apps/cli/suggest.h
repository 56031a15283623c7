// SPDX-License-Identifier: Apache-2.0
//
// The word that was probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gemma2::cli {

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from `word`,
/// the first of equals; empty if even that one is too far away to be a slip of the fingers.
[[nodiscard]] std::string nearest(std::string_view word,
                                  std::span<const std::string_view> candidates);

/// "; did you mean 'X'?", or nothing.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string_view> candidates);

}  // namespace gemma2::cli
