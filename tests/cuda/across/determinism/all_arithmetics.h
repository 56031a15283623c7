// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of tests/determinism/all_arithmetics.h: the same cases, on the card.
#pragma once

#include <cstdlib>
#include <vector>

#include "determinism/one_arithmetic.h"

namespace gemma2::test {

inline constexpr Device kDevice = Device::cuda;

/// The emulator takes half a minute for each; .ci/full asks for all.
inline std::vector<Arithmetic> all_arithmetics() {
  if (std::getenv("GEMMA2_LONG_TESTS") == nullptr) return {{.type = DType::bf16}};
  return {{.type = DType::bf16},
          {.type = DType::q8_0},
          {.type = DType::q6_k},
          {.type = DType::q6_k, .cache = CacheType::int8}};
}

}  // namespace gemma2::test
