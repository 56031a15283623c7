// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/avx2/q6_products.h"
#include "kernels/cpu/avx2/quad_dot.h"

namespace gemma2::cpu::avx2_vnni {

void install_q6_k_vnni(KernelTable& table) {
  table.format[static_cast<int>(DType::q6_k)].matmul = avx2::Q6Products<QuadDot>::matmul;
}

}  // namespace gemma2::cpu::avx2_vnni
