// SPDX-License-Identifier: Apache-2.0
//
// How many threads this process may sensibly run.
#pragma once

#include <filesystem>

namespace gemma2 {

/// Physical cores allowed by the affinity mask, at most the cgroup's CPU quota, at least 1.
[[nodiscard]] int usable_cores();

/// The least CPU quota of the control groups around this process, in cores and rounded up; a large
/// number without one. `root`: where /proc and /sys are, for tests.
[[nodiscard]] int cpu_quota(const std::filesystem::path& root = "/");

/// What a caller's `num_threads` means: itself, or usable_cores() for 0. Throws
/// Error(invalid_argument) for what is not 0 .. kMaxThreads.
[[nodiscard]] int thread_count(int num_threads);

}  // namespace gemma2
