// SPDX-License-Identifier: Apache-2.0
//
// AArch64 on Linux, where the kernel says what the processor has.
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "peak_platform.h"

namespace gemma2::bench {

std::vector<ComputeProbe> platform_probes() {
  using loops::kChains;
  const unsigned long hwcap = getauxval(AT_HWCAP);
  const unsigned long hwcap2 = getauxval(AT_HWCAP2);
  std::vector<ComputeProbe> p;
  p.push_back({"fp32 fmla", "neon", Arithmetic::fp32, kChains * 4, loops::fp32_neon, true});
  if ((hwcap & HWCAP_ASIMDDP) != 0) {
    p.push_back({"int8 sdot", "neon_", Arithmetic::int8, kChains * 16, loops::int8_sdot, true});
  }
  if ((hwcap2 & HWCAP2_I8MM) != 0) {
    p.push_back({"int8 smmla", "i8mm", Arithmetic::int8, kChains * 32, loops::int8_smmla, true});
  }
  if ((hwcap2 & HWCAP2_BF16) != 0) {
    p.push_back({"bf16 bfmmla", "bf16", Arithmetic::bf16, kChains * 16, loops::bf16_bfmmla, true});
  }
  return p;
}

std::vector<loops::ReadLoop> platform_read_loops() {
  return {};
}

}  // namespace gemma2::bench
