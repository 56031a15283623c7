// SPDX-License-Identifier: Apache-2.0
//
// The one file that knows which devices there are.
#include "kernels/backend.h"

#include "check.h"

namespace gemma2 {

std::unique_ptr<Backend> make_cpu_backend(const ModelConfig& config, const BackendOptions& options);
std::unique_ptr<Backend> make_cuda_backend(const ModelConfig& config,
                                           const BackendOptions& options);

std::unique_ptr<Backend> make_backend(const ModelConfig& config, const BackendOptions& options) {
  if (options.device == Device::cuda) return make_cuda_backend(config, options);
  return make_cpu_backend(config, options);
}

}  // namespace gemma2
