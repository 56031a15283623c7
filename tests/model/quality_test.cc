// SPDX-License-Identifier: Apache-2.0
//
// What 8-bit activations and caches cost in quality, on the demonstration model and texts that it
// was not trained on. The whole held-out set and other types are measured by bench/kl_divergence.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "kl.h"
#include "support/temp_dir.h"

namespace gemma2 {
namespace {

class Quality : public testing::Test {
 protected:
  [[nodiscard]] static Model load(const std::filesystem::path& path, bool precise) {
    return Model::load(path, {.num_threads = 1, .precise = precise});
  }

  [[nodiscard]] static std::vector<std::vector<TokenId>> texts_for(const Model& model) {
    const auto texts = bench::read_texts(GEMMA2_HELDOUT_SAMPLE, model.tokenizer(), 1000,
                                         model.config().context_length);
    EXPECT_EQ(texts.size(), 30U);
    return texts;
  }

  /// Mean KL of each pair (reference, candidate) of the models.
  [[nodiscard]] static std::vector<bench::Comparison> measure(
      const std::vector<Model>& models, std::vector<bench::Comparison> comparisons) {
    std::vector<bench::Contestant> contestants;
    for (const Model& model : models) contestants.push_back({model});
    bench::compare(contestants, texts_for(models[0]), comparisons);
    return comparisons;
  }

  std::filesystem::path demo_ = GEMMA2_DEMO_MODEL;
};

TEST_F(Quality, DefaultArithmeticIsCloseToPrecise) {
  const auto found = measure({load(demo_, true), load(demo_, false)}, {{.candidate = 1}});
  EXPECT_LE(found[0].mean_kl(), 1e-3);
  EXPECT_GT(found[0].mean_kl(), 0);  // they are two arithmetics
}

TEST_F(Quality, EightBitActivationsAddAtMost15PercentToTheCostOfQ6K) {
  const test::TempDir dir;
  quantize(demo_, dir / "bf16.gguf", {.matrices = DType::bf16});
  quantize(demo_, dir / "q6_k.gguf", {.matrices = DType::q6_k});
  const auto found =
      measure({load(dir / "bf16.gguf", true), load(dir / "q6_k.gguf", true),
               load(dir / "q6_k.gguf", false)},
              {{.candidate = 1}, {.candidate = 2}, {.reference = 1, .candidate = 2}});
  const double weights = found[0].mean_kl();
  EXPECT_LE(found[1].mean_kl(), 1.15 * weights)
      << "precise " << weights << ", default " << found[1].mean_kl();
  // Over few texts that difference of two sums is mostly chance. The two errors are independent, so
  // what the second adds is also its own divergence, which five thousand positions tell well.
  EXPECT_LE(found[2].mean_kl(), 0.15 * weights) << "weights " << weights;
}

TEST_F(Quality, Int8CacheIsCloseToBf16OverFourWindows) {
  const Model model = load(demo_, false);
  const auto texts = bench::long_texts(texts_for(model), model.config());
  ASSERT_GE(texts.size(), 2U);
  std::vector<bench::Comparison> found = {{.candidate = 1}};
  bench::compare({{model, CacheType::bf16}, {model, CacheType::int8}}, texts, found);
  EXPECT_LE(found[0].mean_kl(), 1e-3);
  EXPECT_GT(found[0].mean_kl(), 0);  // they are two arithmetics
  RecordProperty("mean_kl", std::to_string(found[0].mean_kl() * 1e6) + "e-6");
}

}  // namespace
}  // namespace gemma2
