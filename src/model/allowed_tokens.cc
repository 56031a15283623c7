// SPDX-License-Identifier: Apache-2.0
#include "model/allowed_tokens.h"

#include <bit>

#include "check.h"
#include "checked_math.h"

namespace gemma2 {

int count_allowed(TokenMask mask, int vocab_size) {
  if (mask.empty()) return vocab_size;
  constexpr int kWordBits = 64;
  const auto words = static_cast<std::size_t>(ceil_div(vocab_size, kWordBits));
  require(mask.size() == words, ErrorCode::invalid_argument,
          "allowed: expected a mask of {} words of 64 bits for a vocabulary of {}, found {}", words,
          vocab_size, mask.size());
  int count = 0;
  for (const std::uint64_t word : mask.first(words - 1)) count += std::popcount(word);
  const int unused = static_cast<int>(words) * kWordBits - vocab_size;
  count += std::popcount(mask.back() << unused);
  require(count > 0, ErrorCode::invalid_argument,
          "allowed: expected at least one of {} tokens, found none", vocab_size);
  return count;
}

}  // namespace gemma2
