// SPDX-License-Identifier: Apache-2.0
//
// What one processor architecture adds to the generic loops. peak_x86.cc, peak_aarch64.cc and
// peak_other.cc implement it; CMake takes one of them.
#pragma once

#include <vector>

#include "peak.h"
#include "peak_loops.h"

namespace gemma2::bench {

/// Those this processor can run, slowest instruction set first.
[[nodiscard]] std::vector<ComputeProbe> platform_probes();
[[nodiscard]] std::vector<loops::ReadLoop> platform_read_loops();

}  // namespace gemma2::bench
