// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/avx2/lanes.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx2 {

void install_f16(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::f16)];
  kernels.matmul = kernels.matmul_f32 = FloatMatmul<Lanes, F16Decoder, 1, 5>::matmul;
}

}  // namespace gemma2::cpu::avx2
