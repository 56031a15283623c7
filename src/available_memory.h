// SPDX-License-Identifier: Apache-2.0
//
// How much memory this process may still fill. Linux grants what it does not have and ends the
// process when the pages are touched, so whoever needs gigabytes asks first.
#pragma once

#include <cstdint>
#include <filesystem>

namespace gemma2 {

/// Bytes that can be had without swapping: MemAvailable of /proc/meminfo, and not more than what
/// the control groups (v2) around this process leave. The largest number if neither can be read.
/// `root`: where /proc and /sys are, for tests.
[[nodiscard]] std::uint64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace gemma2
