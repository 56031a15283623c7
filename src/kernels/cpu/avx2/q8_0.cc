// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/avx2/q8_products.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx2 {

void install_q8_0(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q8_0)];
  kernels.matmul = Q8Kernel<SignDot>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q8Decoder, 1, 6>::matmul;
}

}  // namespace gemma2::cpu::avx2
