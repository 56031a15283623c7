// SPDX-License-Identifier: Apache-2.0
//
// Where arithmetic.h's cases run, and which there are. tests/cuda/across has another such header in
// its place, for the same cases on the emulated card.
#pragma once

#include <vector>

#include "determinism/one_arithmetic.h"

namespace gemma2::test {

inline constexpr Device kDevice = Device::automatic;

inline std::vector<Arithmetic> all_arithmetics() {
  std::vector<Arithmetic> all;
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q6_k}) {
    for (const bool precise : {false, true}) all.push_back({.type = type, .precise = precise});
  }
  for (const DType type : {DType::f32, DType::q6_k}) {
    all.push_back({.type = type, .cache = CacheType::int8});
  }
  return all;
}

}  // namespace gemma2::test
