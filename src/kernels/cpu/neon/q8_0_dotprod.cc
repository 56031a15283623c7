// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/neon/q8_0_dot.h"

namespace gemma2::cpu::neon_dotprod {
namespace {

struct Level {};

}  // namespace

void install_q8_0_dotprod(KernelTable& table) {
  table.format[static_cast<int>(DType::q8_0)].matmul = IntegerMatmul<neon::Q8Dot<Level>>::matmul;
}

}  // namespace gemma2::cpu::neon_dotprod
