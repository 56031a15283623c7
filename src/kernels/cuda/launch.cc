// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/launch.h"

#include "check.h"

namespace gemma2::cuda {

void require_success(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // else the next call would be blamed
  const ErrorCode code =
      status == cudaErrorMemoryAllocation ? ErrorCode::out_of_memory : ErrorCode::device;
  fail(code, "cuda: {}: {} ({})", what, cudaGetErrorString(status), cudaGetErrorName(status));
}

}  // namespace gemma2::cuda
