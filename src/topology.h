// SPDX-License-Identifier: Apache-2.0
//
// How many threads this process may sensibly run.
#pragma once

namespace gemma2 {

/// Physical cores allowed by the affinity mask, at most the cgroup's CPU quota, at least 1.
[[nodiscard]] int usable_cores();

}  // namespace gemma2
