// SPDX-License-Identifier: Apache-2.0
//
// A set of tokens, as a grammar keeps one for each of its states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gemma2/types.h"

namespace gemma2 {

/// A set that somebody else owns: token t is in it if bit t % 64 of word t / 64 is set. No words:
/// all tokens. Else there are ceil(vocab_size / 64); bits past the vocabulary are ignored.
using TokenMask = std::span<const std::uint64_t>;

[[nodiscard]] constexpr bool is_allowed(TokenMask mask, TokenId token) noexcept {
  const auto bit = static_cast<std::size_t>(token);
  return mask.empty() || ((mask[bit / 64] >> (bit % 64)) & 1U) != 0;
}

}  // namespace gemma2
