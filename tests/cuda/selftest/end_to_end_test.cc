// SPDX-License-Identifier: Apache-2.0
//
// Random models on the card against the same models in float32 on the CPU.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

struct Case {
  int head_dim;
  DType type;
  int layers;
  int hidden;
};

/// How far logits may be from those of float32, as a part of their size (both Euclidean).
///
/// What differs is rounding to bf16, a relative error of at most 2^-8, uniform: 2^-8 / sqrt(3) in
/// the root mean square. Sums of many such terms keep that relative size. On the way through one
/// half of a layer there are at most nine of them, independent: attention's rows, weights, query,
/// key, value, probabilities twice, attended rows, weights; the other half has fewer. An error e of
/// the residual comes out of a half as at most 2 e, for gate times up has two factors with it. The
/// half's output, normed, is added to the residual, whose size is that of sqrt(i + 1) such outputs
/// after i halves, the embedding counting as one; so, with a^2 = 1 / (i + 2),
///   e'^2 = (1 - a^2) e^2 + a^2 ((2 e)^2 + 9 * 2^-16 / 3).
/// The head rounds rows and weights once more; the soft cap shrinks differences. The bound is twice
/// that root mean square, for the worst row, as hundreds of logits average within each.
double relative_bound(int layers) {
  constexpr double kRounding = 1.0 / 65536 / 3;
  constexpr double kTail = 2;
  double e2 = 2 * kRounding;  // the embedding: weights of two roundings
  for (int half = 0; half < 2 * layers; ++half) {
    const double a2 = 1.0 / (half + 2);
    e2 = (1 - a2) * e2 + a2 * (4 * e2 + 9 * kRounding);
  }
  return kTail * std::sqrt(e2 + 2 * kRounding);
}

class EndToEnd : public testing::TestWithParam<Case> {};

TEST_P(EndToEnd, LogitsAreThoseOfFloat32ButForRounding) {
  const auto [head_dim, type, layers, hidden] = GetParam();
  test::TinyModel tiny = test::kTinyBlocks;
  tiny.head_dim = head_dim;
  tiny.type = type;
  tiny.layers = layers;
  tiny.hidden = hidden;
  tiny.ffn = 2 * hidden;
  tiny.window = 40;
  tiny.context = 512;
  const int count = layers > 2 ? 300 : 70;
  const Model cpu = test::load_tiny(tiny, {.device = Device::cpu, .precise = true});
  const Model card = test::load_tiny(tiny, {.device = Device::cuda});
  const std::vector<TokenId> tokens = test::random_tokens(cpu, count);
  Session exact(cpu);
  Session found(card);
  const std::vector<test::Logits> expected = test::feed(exact, tokens, 64);
  const std::vector<test::Logits> logits = test::feed(found, tokens, 64);
  double worst = 0;
  for (std::size_t row = 0; row < logits.size(); ++row) {
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < logits[row].size(); ++i) {
      const double apart = static_cast<double>(logits[row][i]) - expected[row][i];
      difference += apart * apart;
      size += static_cast<double>(expected[row][i]) * expected[row][i];
    }
    const double relative = std::sqrt(difference / size);
    ASSERT_TRUE(std::isfinite(relative)) << "row " << row;
    worst = std::max(worst, relative);
  }
  RecordProperty("relative", std::to_string(worst));
  RecordProperty("bound", std::to_string(relative_bound(layers)));
  EXPECT_LE(worst, relative_bound(layers));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int head_dim : {64, 128, 256}) {
    for (const DType type : {DType::bf16, DType::q8_0, DType::q6_k}) {
      cases.push_back({head_dim, type, 2, 256});
    }
  }
  for (const DType type : {DType::bf16, DType::q8_0, DType::q6_k}) {
    cases.push_back({256, type, 8, 1024});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Models, EndToEnd, testing::ValuesIn(all_cases()), [](const auto& of) {
  return std::to_string(of.param.head_dim) + to_string(of.param.type) + "_" +
         std::to_string(of.param.layers) + "Layers";
});

}  // namespace
}  // namespace gemma2
