// SPDX-License-Identifier: Apache-2.0
//
// The only file with conditionals on the instruction set.
#include "kernels/cpu/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace gemma2::cpu {

#if defined(__x86_64__)

namespace {

/// Leaf 7, subleaf 1; compilers' own name for it is newer than those that build this.
bool has_avx_vnni() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  constexpr unsigned kAvxVnni = 1U << 4;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
}

}  // namespace

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  __builtin_cpu_init();
  features.avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                  __builtin_cpu_supports("f16c") != 0;
  features.avx2_vnni = features.avx2 && has_avx_vnni();
  features.avx512 =
      features.avx2 && __builtin_cpu_supports("avx512f") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512cd") != 0;
  features.avx512_vnni = features.avx512 && __builtin_cpu_supports("avx512vnni") != 0;
  features.avx512_bf16 = features.avx512 && __builtin_cpu_supports("avx512bf16") != 0;
  return features;
}

#elif defined(__aarch64__)

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
  const unsigned long first = getauxval(AT_HWCAP);
  const unsigned long second = getauxval(AT_HWCAP2);
  features.neon = (first & HWCAP_ASIMD) != 0;
  features.neon_dotprod = features.neon && (first & HWCAP_ASIMDDP) != 0;
  features.neon_i8mm = features.neon_dotprod && (second & HWCAP2_I8MM) != 0;
  features.neon_bf16 = features.neon && (second & HWCAP2_BF16) != 0;
  return features;
}

#else

CpuFeatures detect_cpu_features() noexcept {
  return {};
}

#endif

}  // namespace gemma2::cpu
