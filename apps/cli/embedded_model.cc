// SPDX-License-Identifier: Apache-2.0
#include "embedded_model.h"

// Set by embedded_model.S around the bytes of the file.
extern "C" {
extern const std::byte gemma2_embedded_model_begin[];
extern const std::byte gemma2_embedded_model_end[];
}

namespace gemma2::cli {

std::span<const std::byte> embedded_model() noexcept {
  return {gemma2_embedded_model_begin, gemma2_embedded_model_end};
}

}  // namespace gemma2::cli
