// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gemma2/kv_cache.h"

namespace gemma2::test {

/// See arithmetic.h.
struct Arithmetic {
  DType type = DType::f32;
  bool precise = false;
  bool portable_bits = false;
  CacheType cache = CacheType::automatic;
};

}  // namespace gemma2::test
