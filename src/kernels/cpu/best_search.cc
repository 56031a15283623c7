// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/best_search.h"

#include <bit>
#include <cmath>

namespace gemma2::cpu {
namespace {

/// Keys compare as (logit, then the lower token). 0 is below the key of any finite logit.
std::uint64_t key_of(float logit, TokenId token) noexcept {
  // Adding 0 turns -0 into 0. Then negative numbers are inverted, positive ones get the top bit.
  const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0F);
  const std::uint32_t ordered = (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
  return (std::uint64_t{ordered} << 32) | ~static_cast<std::uint32_t>(token);
}

template <typename T>
void keep_larger(std::atomic<T>& to, T value) noexcept {
  T old = to.load(std::memory_order_relaxed);
  while (value > old && !to.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
}

template <typename T>
void keep_smaller(std::atomic<T>& to, T value) noexcept {
  T old = to.load(std::memory_order_relaxed);
  while (value < old && !to.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

float least_rival(float capped, float cap) noexcept {
  // How far may soft_cap(x) / cap lie above tanh(u), u = x / cap? The kernel's argument is
  // u (1 + e), |e| <= 2^-23 (1 / cap and the product round), which moves tanh by at most
  // 2^-23 |u| (1 - tanh(u)^2) <= 0.45 * 2^-23. Its tanh is within 2 ulp, 2^-23 below 1; the last
  // product rounds by 2^-24. Together 1.95 * 2^-23 < 2^-22; twice that leaves room for the
  // arithmetic here and for products that underflow, as long as 1 / cap is far from overflow.
  constexpr double kMargin = 0x1p-21;
  constexpr float kSmallestCap = 1e-30F;
  const double share = static_cast<double>(capped) / cap - kMargin;
  if (cap < kSmallestCap || !(share > -1)) return -INFINITY;
  return std::nextafter(static_cast<float>(cap * std::atanh(share)), -INFINITY);
}

void BestSearch::add(const KernelTable& table, float* raw, int count, TokenId first,
                     TokenMask allowed) noexcept {
  const float least = least_rival_.load(std::memory_order_relaxed);
  bool matters = false;
  for (int i = 0; i < count; ++i) matters |= !(raw[i] < least);  // a NaN matters too
  if (!matters) return;
  table.soft_cap(raw, count, cap_);
  add_capped(raw, count, first, allowed);
}

void BestSearch::add_capped(const float* capped, int count, TokenId first,
                            TokenMask allowed) noexcept {
  int best = -1;
  for (int i = 0; i < count; ++i) {
    if (!is_allowed(allowed, first + i)) continue;
    if (std::isnan(capped[i])) {
      add_non_finite(first + i);
    } else if (best < 0 || capped[i] > capped[best]) {
      best = i;
    }
  }
  if (best < 0) return;
  keep_larger(best_, key_of(capped[best], first + best));
  keep_larger(least_rival_, least_rival(capped[best], cap_));
}

void BestSearch::add_non_finite(TokenId token) noexcept {
  non_finite_.fetch_add(1, std::memory_order_relaxed);
  keep_smaller(first_non_finite_, token);
}

BestToken BestSearch::result() const noexcept {
  BestToken best;
  const std::uint64_t key = best_.load(std::memory_order_relaxed);
  if (key != 0) best.token = static_cast<TokenId>(~static_cast<std::uint32_t>(key));
  best.non_finite = non_finite_.load(std::memory_order_relaxed);
  if (best.non_finite > 0) {
    best.first_non_finite = first_non_finite_.load(std::memory_order_relaxed);
  }
  return best;
}

}  // namespace gemma2::cpu
