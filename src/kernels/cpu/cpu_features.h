// SPDX-License-Identifier: Apache-2.0
//
// What this processor can do, by the names of the instruction-set levels in src/kernels/CMakeLists.
#pragma once

namespace gemma2::cpu {

struct CpuFeatures {
  bool reference = true;
  bool avx2 = false;         // with FMA and F16C
  bool avx2_vnni = false;    // besides avx2: AVX-VNNI
  bool avx512 = false;       // F, BW, VL, DQ, CD
  bool avx512_vnni = false;  // besides avx512
  bool avx512_bf16 = false;  // besides avx512

  bool neon = false;
  bool neon_dotprod = false;  // SDOT
  bool neon_i8mm = false;     // SMMLA, besides neon_dotprod
  bool neon_bf16 = false;     // BFDOT and BFMMLA
};

/// Asked of the processor and of the operating system (which must save the wide registers).
[[nodiscard]] CpuFeatures detect_cpu_features() noexcept;

}  // namespace gemma2::cpu
