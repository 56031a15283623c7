// SPDX-License-Identifier: Apache-2.0
//
// What the tests must know of the card they run on: the emulated one, or a real one.
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/kernels.h"

namespace gemma2::cuda {

inline cudaDeviceProp this_card() {
  int device = 0;
  cudaDeviceProp properties{};
  static_cast<void>(cudaGetDevice(&device));
  static_cast<void>(cudaGetDeviceProperties(&properties, device));
  return properties;
}

inline BlockLimits limits_of_card() {
  const cudaDeviceProp card = this_card();
  return {card.sharedMemPerBlockOptin, card.multiProcessorCount};
}

/// Which of Hopper's own kernels must give the bits of the others. The emulated card has both; the
/// self-test asks a real one first, as the backend does.
struct HopperFamilies {
  bool products = false;
  bool attention = false;
};
inline HopperFamilies& hopper_families() {
  constexpr int kHopper = 9;
  static HopperFamilies families = [] {
    const cudaDeviceProp card = this_card();
    const bool is_hopper = card.major == kHopper && card.minor == 0;
    return HopperFamilies{is_hopper, is_hopper};
  }();
  return families;
}

}  // namespace gemma2::cuda
