// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/avx2/q6_products.h"
#include "kernels/cpu/float_matmul.h"

namespace gemma2::cpu::avx2 {

void install_q6_k(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q6_k)];
  kernels.matmul = Q6Products<PairDot>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q6Decoder, 1, 6>::matmul;
}

}  // namespace gemma2::cpu::avx2
