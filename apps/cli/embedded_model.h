// SPDX-License-Identifier: Apache-2.0
//
// The GGUF file that is compiled into the program, so that it answers without any download.
#pragma once

#include <cstddef>
#include <span>

namespace gemma2::cli {

/// Empty if the program was built without one (GEMMA2_DEMO_MODEL names no file).
[[nodiscard]] std::span<const std::byte> embedded_model() noexcept;

}  // namespace gemma2::cli
