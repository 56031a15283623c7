// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/neon/lanes.h"

namespace gemma2::cpu::neon {

void install_f16(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::f16)];
  kernels.matmul = kernels.matmul_f32 = FloatMatmul<Lanes, F16Decoder, 1, 4, 2>::matmul;
}

}  // namespace gemma2::cpu::neon
