// SPDX-License-Identifier: Apache-2.0
//
// Launching a kernel, and failing with a name.
#pragma once

#include <cstddef>
#include <utility>

#include <cuda_runtime.h>

namespace gemma2::cuda {

/// Throws Error(device), or Error(out_of_memory), unless `status` is success.
void require_success(cudaError_t status, const char* what);

struct Launch {
  const char* name;  // for messages
  dim3 grid;
  unsigned threads = 0;
  std::size_t shared_bytes = 0;  // dynamic shared memory of a block
  /// May start before the kernel in front of it in the stream has ended: it calls
  /// wait_for_earlier_kernels() before it reads what others write.
  bool starts_early = false;
};

/// Puts kernel(args...) on the stream.
template <typename... Parameters, typename... Arguments>
void launch(cudaStream_t stream, const Launch& how, void (*kernel)(Parameters...),
            Arguments&&... args) {
  constexpr std::size_t kStaticLimit = 48 * 1024;
  if (how.shared_bytes > kStaticLimit) {
    require_success(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(how.shared_bytes)),
                    how.name);
  }
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = how.grid;
  config.blockDim = dim3(how.threads);
  config.dynamicSmemBytes = how.shared_bytes;
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = how.starts_early ? 1 : 0;
  require_success(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(args)...), how.name);
}

}  // namespace gemma2::cuda
