// SPDX-License-Identifier: Apache-2.0
//
// A processor without loops of its own: the generic ones are all there is.
#include "peak_platform.h"

namespace gemma2::bench {

std::vector<ComputeProbe> platform_probes() {
  return {};
}

std::vector<loops::ReadLoop> platform_read_loops() {
  return {};
}

}  // namespace gemma2::bench
