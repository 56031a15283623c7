// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/elementwise.h"

#include "kernels/cpu/avx2/lanes.h"

namespace gemma2::cpu::avx2 {

void install_elementwise(KernelTable& table) {
  Elementwise<Lanes>::install(table);
}

}  // namespace gemma2::cpu::avx2
