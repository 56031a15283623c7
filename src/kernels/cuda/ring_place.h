// SPDX-License-Identifier: Apache-2.0
//
// Where a warp stands in a ring of stages that barriers guard (ptx_sm90a.h).
#pragma once

#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

/// The parity changes each time around.
template <auto kStages>
struct RingPlace {
  decltype(kStages) stage = 0;
  unsigned parity = 0;

  __device__ __forceinline__ void step() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

}  // namespace gemma2::cuda
