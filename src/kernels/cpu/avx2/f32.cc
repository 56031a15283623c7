// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/avx2/lanes.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx2 {

void install_f32(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::f32)];
  kernels.matmul = kernels.matmul_f32 = FloatMatmul<Lanes, F32Decoder, 1, 5>::matmul;
}

}  // namespace gemma2::cpu::avx2
