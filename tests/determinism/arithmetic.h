// SPDX-License-Identifier: Apache-2.0
//
// The arithmetics whose results must not depend on anything but model, tokens and positions: each
// weight type, with activations as they come by default and with --precise, and each cache type.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "determinism/all_arithmetics.h"
#include "model/model_fixture.h"

namespace gemma2::test {

inline std::string name_of(const Arithmetic& arithmetic) {
  return std::string(to_string(arithmetic.type)) + (arithmetic.precise ? "_precise" : "") +
         (arithmetic.portable_bits ? "_portable" : "") +
         (arithmetic.cache == CacheType::int8 ? "_int8_cache" : "");
}

inline KvCacheOptions cache_of(const Arithmetic& arithmetic,
                               LocalLayers layers = LocalLayers::full) {
  return {.local_layers = layers, .type = arithmetic.cache};
}

/// A model that has all that could go wrong: both layer kinds, grouped heads, a window much shorter
/// than the context, a vocabulary that fills no whole strip.
inline TinyModel model_of(const Arithmetic& arithmetic) {
  TinyModel tiny = kTinyBlocks;
  tiny.ffn = 256;
  tiny.context = 1024;
  tiny.window = 8;
  tiny.type = arithmetic.type;
  return tiny;
}

inline Model load(const Arithmetic& arithmetic, LoadOptions options = {}) {
  options.device = kDevice;
  options.precise = arithmetic.precise;
  options.portable_bits = arithmetic.portable_bits;
  return load_tiny(model_of(arithmetic), options);
}

class AcrossArithmetics : public testing::TestWithParam<Arithmetic> {};

}  // namespace gemma2::test

#define GEMMA2_ACROSS_ARITHMETICS(suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(All, suite, testing::ValuesIn(gemma2::test::all_arithmetics()),         \
                           [](const testing::TestParamInfo<gemma2::test::Arithmetic>& test_case) { \
                             return gemma2::test::name_of(test_case.param);                        \
                           })
