// SPDX-License-Identifier: Apache-2.0
//
// Whether this build has machine code, or PTX, that the current card runs.
#pragma once

#include <cuda_runtime.h>

namespace gemma2::cuda {

[[nodiscard]] cudaError_t find_kernel_image();

}  // namespace gemma2::cuda
