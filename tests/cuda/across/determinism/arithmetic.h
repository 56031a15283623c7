// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of tests/determinism/arithmetic.h: the same cases, on the emulated card.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/model_fixture.h"

namespace gemma2::test {

struct Arithmetic {
  DType type = DType::f32;
  CacheType cache = CacheType::automatic;
};

inline std::string name_of(const Arithmetic& arithmetic) {
  return std::string(to_string(arithmetic.type)) +
         (arithmetic.cache == CacheType::int8 ? "_int8_cache" : "");
}

inline KvCacheOptions cache_of(const Arithmetic& arithmetic,
                               LocalLayers layers = LocalLayers::full) {
  return {.local_layers = layers, .type = arithmetic.cache};
}

inline TinyModel model_of(const Arithmetic& arithmetic) {
  TinyModel tiny = kTinyBlocks;
  tiny.ffn = 256;
  tiny.context = 1024;
  tiny.window = 8;
  tiny.type = arithmetic.type;
  return tiny;
}

inline Model load(const Arithmetic& arithmetic, LoadOptions options = {}) {
  options.device = Device::cuda;
  return load_tiny(model_of(arithmetic), options);
}

class AcrossArithmetics : public testing::TestWithParam<Arithmetic> {};

/// The emulator takes half a minute for each; .ci/full asks for all.
inline std::vector<Arithmetic> all_arithmetics() {
  if (std::getenv("GEMMA2_LONG_TESTS") == nullptr) return {{.type = DType::bf16}};
  return {{.type = DType::bf16},
          {.type = DType::q8_0},
          {.type = DType::q6_k},
          {.type = DType::q6_k, .cache = CacheType::int8}};
}

}  // namespace gemma2::test

#define GEMMA2_ACROSS_ARITHMETICS(suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(All, suite, testing::ValuesIn(gemma2::test::all_arithmetics()),         \
                           [](const testing::TestParamInfo<gemma2::test::Arithmetic>& test_case) { \
                             return gemma2::test::name_of(test_case.param);                        \
                           })
