// SPDX-License-Identifier: Apache-2.0
//
// Stands in for product_hopper.cu and attention_hopper.cu in a build without code for sm_90a; CMake
// chooses the file.
#include "check.h"
#include "kernels/cuda/kernels.h"

namespace gemma2::cuda {

bool has_hopper_products() {
  return false;
}

void launch_product_hopper(cudaStream_t /*stream*/, const Product& /*work*/,
                           const BlockLimits& /*limits*/) {
  fail(ErrorCode::device, "cuda: expected code for sm_90a, found a build without it");
}

void launch_attention_hopper(cudaStream_t /*stream*/, const Attention& /*work*/) {
  fail(ErrorCode::device, "cuda: expected code for sm_90a, found a build without it");
}

}  // namespace gemma2::cuda
