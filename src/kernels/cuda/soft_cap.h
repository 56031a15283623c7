// SPDX-License-Identifier: Apache-2.0
//
// From a product of query and key to the weight of a value: exp(cap * tanh(product * query_scale /
// cap)). The cap bounds the exponent, so there is no maximum to subtract.
//
// 2^x takes the card's special unit, of which there is little: a tanh by it would cost two more
// turns, 1 - 2 / (2^(2x log2 e) + 1). Scores are mostly small, and there a polynomial by FMA does
// (coefficients: tools/fit_polynomials.py, as on the CPU). A score's bits depend on it alone.
#pragma once

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

struct SoftCap {
  float ratio = 0;  // a product times this is the argument of tanh
  float power = 0;  // tanh times this is the weight's logarithm to base 2
};

/// Gemma 2 has a cap; shapes without one are refused before they get here.
inline SoftCap soft_cap_of(const AttentionShape& shape) {
  constexpr float kLog2e = 1.4426950409F;
  return {shape.query_scale / shape.soft_cap, shape.soft_cap * kLog2e};
}

inline constexpr float kTanhSmall = 0.625F;

/// tanh for |x| < kTanhSmall.
__device__ inline float tanh_small(float x) {
  const float square = x * x;
  float p = -5.704988725e-03F;
  p = fmaf(p, square, 2.063908987e-02F);
  p = fmaf(p, square, -5.373971537e-02F);
  p = fmaf(p, square, 1.333144158e-01F);
  p = fmaf(p, square, -3.333328068e-01F);
  return fmaf(p * square, x, x);
}

/// NaN stays NaN.
__device__ inline float tanh_any(float x) {
  constexpr float kTwoLog2e = 2 * 1.4426950409F;
  if (fabsf(x) < kTanhSmall) return tanh_small(x);
  return fmaf(-2.0F, reciprocal_fast(exp2_fast(x * kTwoLog2e) + 1.0F), 1.0F);
}

/// Products to weights.
template <int kCount>
__device__ inline void weigh(float (&x)[kCount], const SoftCap& cap) {
  bool small = true;
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    x[i] *= cap.ratio;
    small = small && fabsf(x[i]) < kTanhSmall;
  }
  if (small) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) x[i] = exp2_fast(cap.power * tanh_small(x[i]));
  } else {
#pragma unroll
    for (int i = 0; i < kCount; ++i) x[i] = exp2_fast(cap.power * tanh_any(x[i]));
  }
}

}  // namespace gemma2::cuda
