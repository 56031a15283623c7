// SPDX-License-Identifier: Apache-2.0
#include "gemma2/config.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace gemma2 {
namespace {

ModelConfig gemma2_2b() {
  ModelConfig config;
  config.vocab_size = 256'000;
  config.hidden_size = 2304;
  config.ffn_size = 9216;
  config.num_layers = 26;
  config.num_heads = 8;
  config.num_kv_heads = 4;
  config.head_dim = 256;
  config.query_scale = 0.0625F;
  return config;
}

struct IntField {
  const char* name;
  int ModelConfig::*member;
  int first;
  int last;
};

struct RealField {
  const char* name;
  float ModelConfig::*member;
  float least;
  float most;
};

constexpr IntField kInts[] = {{"vocab_size", &ModelConfig::vocab_size, 1, 1'048'576},
                              {"hidden_size", &ModelConfig::hidden_size, 1, 32'768},
                              {"ffn_size", &ModelConfig::ffn_size, 1, 262'144},
                              {"num_layers", &ModelConfig::num_layers, 1, 256},
                              {"num_heads", &ModelConfig::num_heads, 4, 256},
                              {"num_kv_heads", &ModelConfig::num_kv_heads, 1, 8},
                              {"head_dim", &ModelConfig::head_dim, 2, 1024},
                              {"context_length", &ModelConfig::context_length, 1, 131'072},
                              {"sliding_window", &ModelConfig::sliding_window, 1, 0x7FFF'FFFF}};

constexpr RealField kReals[] = {{"query_scale", &ModelConfig::query_scale, 1e-9F, 1e6F},
                                {"attention_soft_cap", &ModelConfig::attention_soft_cap, 0.01F, 64},
                                {"final_soft_cap", &ModelConfig::final_soft_cap, 0.01F, 64},
                                {"rope_theta", &ModelConfig::rope_theta, 1.5F, 1e12F},
                                {"rms_norm_eps", &ModelConfig::rms_norm_eps, 1e-12F, 0.1F}};

void expect_refused(const ModelConfig& config, const char* field) {
  test::expect_error(ErrorCode::malformed_file, field, [&] { config.validate(); });
}

TEST(ModelConfig, PublishedShapesAreValid) {
  ModelConfig config = gemma2_2b();
  EXPECT_NO_THROW(config.validate());
  config.hidden_size = 4608;
  config.ffn_size = 36'864;
  config.num_layers = 46;
  config.num_heads = 32;
  config.num_kv_heads = 16;
  config.head_dim = 128;
  EXPECT_NO_THROW(config.validate());
}

TEST(ModelConfig, NamesTheIntegerOutsideItsRange) {
  for (const IntField& field : kInts) {
    for (const int value : {field.first, field.last}) {
      ModelConfig config = gemma2_2b();
      config.*field.member = value;
      EXPECT_NO_THROW(config.validate()) << field.name << " = " << value;
    }
    for (const int value : {0, -1, std::numeric_limits<int>::min()}) {
      ModelConfig config = gemma2_2b();
      config.*field.member = value;
      expect_refused(config, field.name);
    }
    if (field.last == std::numeric_limits<int>::max()) continue;
    for (const int value : {field.last + 1, std::numeric_limits<int>::max()}) {
      ModelConfig config = gemma2_2b();
      config.*field.member = value;
      expect_refused(config, field.name);
    }
  }
}

TEST(ModelConfig, NamesTheRealOutsideItsRange) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const RealField& field : kReals) {
    for (const float value : {field.least, field.most}) {
      ModelConfig config = gemma2_2b();
      config.*field.member = value;
      EXPECT_NO_THROW(config.validate()) << field.name << " = " << value;
    }
    for (const float value : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(), kInfinity,
                              -kInfinity, field.most * 1.001F}) {
      ModelConfig config = gemma2_2b();
      config.*field.member = value;
      expect_refused(config, field.name);
    }
  }
}

TEST(ModelConfig, ChecksRelations) {
  ModelConfig config = gemma2_2b();
  config.num_kv_heads = 3;
  expect_refused(config, "num_kv_heads");
  config.num_kv_heads = 16;
  expect_refused(config, "num_kv_heads");
  config = gemma2_2b();
  config.head_dim = 15;
  expect_refused(config, "head_dim");
}

}  // namespace
}  // namespace gemma2
