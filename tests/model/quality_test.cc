// SPDX-License-Identifier: Apache-2.0
//
// What 8-bit activations cost in quality, on the demonstration model and texts that it was not
// trained on. The whole held-out set and other types are measured by bench/kl_divergence.
#include <filesystem>
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

  /// Mean KL of each pair (reference, candidate) of the models.
  [[nodiscard]] static std::vector<bench::Comparison> measure(
      const std::vector<Model>& models, std::vector<bench::Comparison> comparisons) {
    const auto texts = bench::read_texts(GEMMA2_HELDOUT_SAMPLE, models[0].tokenizer(), 1000,
                                         models[0].config().context_length);
    EXPECT_EQ(texts.size(), 30U);
    bench::compare(models, texts, comparisons);
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

}  // namespace
}  // namespace gemma2
