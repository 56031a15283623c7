// SPDX-License-Identifier: Apache-2.0
//
// The file that is running: a program, and in a bundle a zip with a model behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gemma2/inspect.h"

namespace gemma2::cli {

/// Its path, or /proc/self/exe if it has none any more.
[[nodiscard]] std::string own_path();

/// Its bytes without a zip behind them. Throws Failure.
[[nodiscard]] std::uint64_t own_program_bytes();

/// The zip behind it, if there is one. Throws Failure if it is damaged.
[[nodiscard]] std::optional<ArchiveInfo> own_archive();

}  // namespace gemma2::cli
