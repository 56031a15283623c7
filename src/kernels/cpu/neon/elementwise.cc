// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/elementwise.h"

#include "kernels/cpu/neon/lanes.h"

namespace gemma2::cpu::neon {

void install_elementwise(KernelTable& table) {
  Elementwise<Lanes>::install(table);
}

}  // namespace gemma2::cpu::neon
