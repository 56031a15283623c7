// SPDX-License-Identifier: Apache-2.0
//
// The engine against Hugging Face transformers: all logits of all committed cases, in float32.
// README.md beside this file says what each case is there to catch.
#include <fstream>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "gemma2/model.h"

#include "golden/golden_files.h"

#include <nlohmann/json.hpp>

namespace gemma2::golden {
namespace {

/// A difference at least this large is a different function, not rounding.
constexpr float kClearlyDifferent = 50 * kMaxLogitError;

/// Passes if `actual` is the golden's logits within kMaxLogitError; else says where it is not.
testing::AssertionResult matches(const std::vector<float>& actual, const Golden& golden) {
  const Difference worst = largest_difference(actual, golden);
  if (worst.value <= kMaxLogitError) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "largest difference " << worst.value << " at position " << worst.position << ", token "
         << worst.token << "; allowed " << kMaxLogitError;
}

std::vector<float> run(const Model& model, const Golden& golden, const KvCacheOptions& options = {},
                       int chunk = kRowsPerStep) {
  Session session(model, options);
  return logits_of(session, golden.tokens, golden.vocab_size, chunk);
}

class GoldenCase : public testing::TestWithParam<std::string> {};

TEST_P(GoldenCase, LogitsMatchTransformers) {
  const Golden golden = read_golden(GetParam());
  const Model model = Model::load(checkpoint_of(GetParam()), exact_options());
  ASSERT_EQ(model.config().vocab_size, golden.vocab_size);
  EXPECT_TRUE(matches(run(model, golden, {.type = CacheType::f32}), golden));
}

TEST_P(GoldenCase, LogitsMatchTokenByToken) {
  const Golden golden = read_golden(GetParam());
  LoadOptions options = exact_options();
  options.prefill_chunk = 1;  // the smallest ring
  const Model model = Model::load(checkpoint_of(GetParam()), options);
  const KvCacheOptions ring{.local_layers = LocalLayers::ring, .type = CacheType::f32};
  EXPECT_TRUE(matches(run(model, golden, ring, 1), golden));
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenCase,
                         testing::Values("f32_2b_like", "f32_27b_like", "f32_long_window",
                                         "f32_embedding_bf16_scale", "f32_odd_sizes",
                                         "f32_small_caps", "bf16_2b_like", "q6_k", "q8_0",
                                         "hidden_large_residual", "layers_3_odd"),
                         [](const testing::TestParamInfo<std::string>& tested) {
                           return tested.param;
                         });

TEST(GoldenVariant, EmbeddingScaleCanBeRoundedAsInTraining) {
  const std::string name = "f32_embedding_bf16_scale";
  const Golden exact = read_golden(name);
  const Golden rounded = read_golden(name, "rounded_scale");
  ASSERT_GT(largest_difference(exact.logits, rounded).value, kClearlyDifferent);

  LoadOptions options = exact_options();
  options.embedding_scale = EmbeddingScale::bf16;
  EXPECT_TRUE(matches(run(Model::load(checkpoint_of(name), options), rounded), rounded));
}

/// The case's checkpoint with other soft caps in its config.json, in `folder`.
void copy_with_caps(const std::filesystem::path& folder, const std::string& name,
                    double attention_cap, double final_cap) {
  std::filesystem::copy(
      case_folder(name), folder,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  std::ifstream in(case_folder(name) / "config.json");
  nlohmann::json config = nlohmann::json::parse(in);
  config["attn_logit_softcapping"] = attention_cap;
  config["final_logit_softcapping"] = final_cap;
  std::ofstream(folder / "config.json") << config.dump(1);
}

TEST(GoldenVariant, Bf16WeightsIn12BitsGiveTheSameBits) {
  const std::string name = "bf16_2b_like";
  const Golden golden = read_golden(name);
  LoadOptions options = exact_options();
  options.bf16_packing = Bf16Packing::plain;
  const Model plain = Model::load(checkpoint_of(name), options);
  options.bf16_packing = Bf16Packing::twelve_bits;
  const Model small = Model::load(checkpoint_of(name), options);
  EXPECT_LT(small.weight_bytes(), plain.weight_bytes());
  EXPECT_EQ(run(small, golden), run(plain, golden));
}

TEST(GoldenVariant, SoftCapsComeFromTheConfiguration) {
  const std::string name = "f32_small_caps";
  const Golden golden = read_golden(name, "default_caps");
  const TemporaryFolder folder("default_caps");
  copy_with_caps(folder.path(), name, 50.0, 30.0);
  const Model model = Model::load(folder.path(), exact_options());
  EXPECT_TRUE(matches(run(model, golden), golden));
}

// Guards the goldens themselves: a case whose caps do nothing would pass without any cap.
TEST(GoldenVariant, SoftCapsBite) {
  const Golden capped = read_golden("f32_small_caps");
  const Golden uncapped = read_golden("f32_small_caps", "caps_off");
  EXPECT_GT(largest_difference(capped.logits, uncapped).value, kClearlyDifferent);
}

}  // namespace
}  // namespace gemma2::golden
