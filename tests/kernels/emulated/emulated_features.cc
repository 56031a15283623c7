// SPDX-License-Identifier: Apache-2.0
//
// In place of kernels/cpu/cpu_features.cc: the processor that the emulated kernels run on. It lacks
// AVX2, whose kernels are not part of this program, but not AVX-VNNI if the real one has AVX2.
#include "kernels/emulated/emulated_features.h"

#include "kernels/cpu/cpu_features.h"

namespace gemma2::cpu {

bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
         __builtin_cpu_supports("f16c") != 0;
}

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  features.avx2_vnni = has_avx2();
  features.avx512 = true;
  features.avx512_vnni = true;
  features.avx512_bf16 = true;
  return features;
}

}  // namespace gemma2::cpu
