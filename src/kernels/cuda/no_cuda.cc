// SPDX-License-Identifier: Apache-2.0
//
// Stands in for the CUDA backend in a build without it; CMake chooses the file.
#include "check.h"
#include "kernels/backend.h"

namespace gemma2 {

std::unique_ptr<Backend> make_cuda_backend(const ModelConfig& /*config*/,
                                           const BackendOptions& /*options*/) {
  fail(ErrorCode::device, "device: expected cuda, found a build of libgemma2 without it");
}

bool has_cuda() noexcept {
  return false;
}

CudaSearch find_cuda_device() {
  return {.device = {}, .problem = "this build of libgemma2 has no CUDA"};
}

std::string not_for_cuda(const ModelConfig& /*config*/) {
  return {};
}

}  // namespace gemma2
