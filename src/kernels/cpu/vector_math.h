// SPDX-License-Identifier: Apache-2.0
//
// exp, tanh and sums on sixteen lanes, for any Lanes type (reference/lanes.h says what one is).
// Every multiplication and addition that may be fused is written as the FMA it is, so all
// instruction sets round alike. Coefficients: tools/fit_polynomials.py.
#pragma once

#include <cstring>

namespace gemma2::cpu {

/// Sum of the lanes in the library's one tree: l + (l + 8), then + 4, + 2, + 1.
template <class L>
inline float reduce_lanes(L sum) noexcept {
  float v[16];
  sum.store(v);
  for (int half = 8; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) v[i] += v[i + half];
  }
  return v[0];
}

/// The first n (1 .. 15) of sixteen floats, zeros behind.
template <class L>
inline L load_partial(const float* from, int n) noexcept {
  float padded[16] = {};
  std::memcpy(padded, from, static_cast<std::size_t>(n) * sizeof(float));
  return L::load(padded);
}

template <class L>
inline void store_partial(float* to, L value, int n) noexcept {
  float padded[16];
  value.store(padded);
  std::memcpy(to, padded, static_cast<std::size_t>(n) * sizeof(float));
}

/// e^x within 1.2 ulp for -87 <= x <= 88; beyond, the value at the border. NaN stays NaN.
template <class L>
inline L exp_lanes(L x) noexcept {
  x = L::max(L::broadcast(-87.0F), L::min(L::broadcast(88.0F), x));
  // Adding 1.5 * 2^23 leaves the nearest integer n in the low bits of the sum.
  const L magic = L::broadcast(12582912.0F);
  const L shifted = L::fma(x, L::broadcast(1.4426950409F), magic);
  const L n = shifted - magic;
  L r = L::fma(n, L::broadcast(-6.9314575195e-01F), x);
  r = L::fma(n, L::broadcast(-1.4286068203e-06F), r);
  L q = L::broadcast(1.381446724e-03F);
  q = L::fma(q, r, L::broadcast(8.368780836e-03F));
  q = L::fma(q, r, L::broadcast(4.166839272e-02F));
  q = L::fma(q, r, L::broadcast(1.666651964e-01F));
  q = L::fma(q, r, L::broadcast(4.999999404e-01F));
  const L p = L::fma(q * r, r, r) + L::broadcast(1.0F);
  // 2^n: n in the exponent field. The 1.5 * 2^23 of `shifted` is shifted out.
  const L one = L::broadcast(1.0F);
  return p * L::from_bits(shifted.bits().template shift_left<23>() + one.bits());
}

inline constexpr float kTanhSmall = 0.625F;

/// tanh for |x| < kTanhSmall.
template <class L>
inline L tanh_small(L x) noexcept {
  const L square = x * x;
  L p = L::broadcast(-5.704988725e-03F);
  p = L::fma(p, square, L::broadcast(2.063908987e-02F));
  p = L::fma(p, square, L::broadcast(-5.373971537e-02F));
  p = L::fma(p, square, L::broadcast(1.333144158e-01F));
  p = L::fma(p, square, L::broadcast(-3.333328068e-01F));
  return L::fma(p * square, x, x);
}

/// tanh within 2 ulp; +-1 beyond |x| = 10. NaN stays NaN.
template <class L>
inline L tanh_lanes(L x) noexcept {
  const L magnitude = L::abs(x);
  const L one = L::broadcast(1.0F);
  const L two = L::broadcast(2.0F);
  const L clamped = L::min(L::broadcast(10.0F), magnitude);
  const L large = L::copysign(one - two / (exp_lanes(two * clamped) + one), x);
  return L::select_less(magnitude, L::broadcast(kTanhSmall), tanh_small(x), large);
}

/// The same bits, sooner where all lanes are small: no exponential, no division.
template <class L>
inline L tanh_lanes_mostly_small(L x) noexcept {
  return L::all_less(L::abs(x), L::broadcast(kTanhSmall)) ? tanh_small(x) : tanh_lanes(x);
}

}  // namespace gemma2::cpu
