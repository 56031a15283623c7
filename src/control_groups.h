// SPDX-License-Identifier: Apache-2.0
//
// The control groups (v2) that this process is in: containers and services are limited by them.
#pragma once

#include <filesystem>
#include <vector>

namespace gemma2 {

/// Their folders, from the outermost to the process's own. Any of them may set a limit; some may
/// not exist. `root`: where /proc and /sys are, for tests.
[[nodiscard]] std::vector<std::filesystem::path> control_groups(
    const std::filesystem::path& root = "/");

}  // namespace gemma2
