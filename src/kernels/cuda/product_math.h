// SPDX-License-Identifier: Apache-2.0
//
// What follows a product, element by element: the one text for few rows and for many.
#pragma once

#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

inline constexpr float kLog2E = 1.4426950408889634F;

/// The four parts of a sum over k (tiles.h), in their order.
__device__ __forceinline__ float add_parts(float p0, float p1, float p2, float p3) {
  return ((p0 + p1) + p2) + p3;
}

/// gelu(x) = x / (1 + exp(-2 y)), y = sqrt(2 / pi) (x + 0.044715 x^3): the tanh form without the
/// cancellation of 1 + tanh(y) at negative x.
__device__ __forceinline__ float gelu(float x) {
  // Below -100 the result is zero to any precision, but x / (1 + infinity) would be minus zero.
  x = x < -100.0F ? -100.0F : x;
  const float cubic = fmaf(x * x, x * 0.044715F, x);
  return x / (1.0F + exp2_fast(cubic * (-2.0F * 0.7978845608F * kLog2E)));
}

/// cap * tanh(x / cap).
__device__ __forceinline__ float capped_logit(float x, float cap) {
  const float e = exp2_fast(x * (2.0F * kLog2E / cap));
  return fmaf(-2.0F * cap, reciprocal_fast(e + 1.0F), cap);
}

__device__ __forceinline__ void store_bf16(std::byte* to, float x) {
  *reinterpret_cast<std::uint16_t*>(to) = static_cast<std::uint16_t>(pack_bf16(x, 0.0F));
}

/// Larger for the larger logit, and for the lower token of equals.
__device__ __forceinline__ unsigned long long best_key(float logit, unsigned token) {
  const std::uint32_t bits = __float_as_uint(logit);
  const std::uint32_t ordered = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return (static_cast<unsigned long long>(ordered) << 32) | (0xFFFFFFFFU - token);
}

__device__ __forceinline__ bool is_allowed(const std::uint64_t* allowed, int token) {
  return allowed == nullptr || ((allowed[token / 64] >> (token % 64)) & 1U) != 0;
}

/// One raw product of the head. Returns the key to compare, 0 for none.
__device__ __forceinline__ unsigned long long finish_logit(const HeadRow& row, float raw, int token,
                                                           float cap) {
  const bool allowed = is_allowed(row.allowed, token);
  const float logit = capped_logit(raw, cap);
  if (row.logits != nullptr) {
    row.logits[token] = allowed ? logit : -__uint_as_float(0x7F800000U);
    return 0;
  }
  if (!allowed) return 0;
  if (logit != logit) {
    count_up(&row.best->non_finite, 1);
    raise_to(&row.best->first_non_finite, 0x100000000ULL - static_cast<unsigned>(token));
    return 0;
  }
  return best_key(logit, static_cast<unsigned>(token));
}

}  // namespace gemma2::cuda
