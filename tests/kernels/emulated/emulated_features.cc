// SPDX-License-Identifier: Apache-2.0
//
// In place of kernels/cpu/cpu_features.cc: the processor that the emulated kernels run on. It lacks
// AVX2, whose kernels are not part of this program.
#include "kernels/cpu/cpu_features.h"

namespace gemma2::cpu {

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  features.avx512 = true;
  features.avx512_vnni = true;
  features.avx512_bf16 = true;
  return features;
}

}  // namespace gemma2::cpu
