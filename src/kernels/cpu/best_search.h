// SPDX-License-Identifier: Apache-2.0
//
// The best token of a row without its logits: threads hand over raw products block by block, in any
// order, and all but a few blocks are dismissed by one comparison a value. What remains is capped,
// because the cap's rounding decides: it makes different products equal (all beyond 10 times the
// cap, and many neighbours below), and of equals the lowest token wins.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "kernels/backend.h"
#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu {

/// No product below the result is capped to `capped` or more. -inf if nothing can be said.
[[nodiscard]] float least_rival(float capped, float cap) noexcept;

class BestSearch {
 public:
  explicit BestSearch(float cap) noexcept : cap_(cap) {}

  /// Considers the raw products of tokens first, first + 1, .. of which `allowed` has bits, and may
  /// overwrite them. Any thread, any order: the result does not depend on either.
  void add(const KernelTable& table, float* raw, int count, TokenId first,
           TokenMask allowed) noexcept;

  /// What Sampler would choose at temperature 0 from the capped logits of all that was added.
  [[nodiscard]] BestToken result() const noexcept;

 private:
  void add_capped(const float* capped, int count, TokenId first, TokenMask allowed) noexcept;
  void add_non_finite(TokenId token) noexcept;

  float cap_;
  std::atomic<float> least_rival_{-std::numeric_limits<float>::infinity()};
  std::atomic<std::uint64_t> best_{0};  // its logit and its token: the higher key wins
  std::atomic<int> non_finite_{0};
  std::atomic<TokenId> first_non_finite_{std::numeric_limits<TokenId>::max()};
};

}  // namespace gemma2::cpu
