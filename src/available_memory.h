// SPDX-License-Identifier: Apache-2.0
//
// How much memory this process may still fill. Linux grants what it does not have and ends the
// process when the pages are touched, so whoever needs gigabytes asks first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace gemma2 {

/// Bytes that can be had without swapping: MemAvailable of /proc/meminfo, and not more than what
/// the control groups (v2) around this process and its address space limit (ulimit -v) leave. The
/// largest number if nothing can be read. `root`: where /proc and /sys are, for tests.
[[nodiscard]] std::uint64_t available_memory(const std::filesystem::path& root = "/");

/// Throws Error(out_of_memory) if `bytes` are more than `available`: how many are wanted for
/// `what`, how many there are, how many are missing, and `advice`: what takes less.
void require_memory(std::uint64_t bytes, std::uint64_t available, std::string_view what,
                    std::string_view advice);

/// The same of the memory that is available_memory().
void require_memory(std::uint64_t bytes, std::string_view what, std::string_view advice,
                    const std::filesystem::path& root = "/");

}  // namespace gemma2
