// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gemma2/export.h"

#define GEMMA2_VERSION_MAJOR 0
#define GEMMA2_VERSION_MINOR 1
#define GEMMA2_VERSION_PATCH 0

namespace gemma2 {

/// The version of the library that is linked: "0.1.0".
[[nodiscard]] GEMMA2_API const char* version() noexcept;

}  // namespace gemma2
