// SPDX-License-Identifier: Apache-2.0
//
// Rotary position embedding: the one text for the kernel of its own and for products that rotate
// what they have made.
#pragma once

#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

/// Rotates (low, high), half a head apart, by the angle with this cosine and sine.
__device__ __forceinline__ void rotate(float& low, float& high, float cosine, float sine) {
  const float turned = fmaf(low, cosine, 0.0F - high * sine);
  high = fmaf(low, sine, high * cosine);
  low = turned;
}

}  // namespace gemma2::cuda
