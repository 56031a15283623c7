// SPDX-License-Identifier: Apache-2.0
//
// Compiled instead of embedded_model.cc where there is no file to embed; CMake chooses.
#include "embedded_model.h"

namespace gemma2::cli {

std::span<const std::byte> embedded_model() noexcept {
  return {};
}

}  // namespace gemma2::cli
