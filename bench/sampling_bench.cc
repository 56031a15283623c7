// SPDX-License-Identifier: Apache-2.0
//
// Microseconds a token for choosing it: sample/<options>/<logits>, on one thread, at Gemma's
// vocabulary. `peaked` is what a trained model says (a few tokens hold nearly all the probability),
// `wide` what it says at a loss, `flat` what random weights say: of 256,000 tokens, some 200,000
// belong to 95 % of the probability. Eight rows take turns, so that none stays in the second-level
// cache: a step leaves its logits no nearer than the third.
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "gemma2/sampling.h"

namespace gemma2::bench {
namespace {

constexpr int kVocabSize = 256000;
constexpr int kRows = 8;

/// Capped logits: most tokens normally distributed, the first few ranks far above.
std::vector<float> make_logits(double spread, double lead, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, spread);
  std::vector<float> logits(kVocabSize);
  for (float& x : logits) x = static_cast<float>(30 * std::tanh((normal(random) - 4) / 30));
  for (int rank = 0; lead > 0 && rank < 50; ++rank) {
    logits[random() % kVocabSize] = static_cast<float>(lead - 2 * std::log(1.0 + rank));
  }
  return logits;
}

struct Case {
  const char* name;
  SamplingOptions options;
};

struct Shape {
  const char* name;
  double spread;
  double lead;
};

void sample(benchmark::State& state, const SamplingOptions& options, const Shape& shape) {
  std::vector<std::vector<float>> rows;
  for (unsigned i = 0; i < kRows; ++i) rows.push_back(make_logits(shape.spread, shape.lead, i));
  Sampler sampler(options, kVocabSize);
  for (TokenId token = 0; token < 64; ++token) sampler.accept(token);
  int position = 0;
  for (auto _ : state) {
    const auto row = static_cast<std::size_t>(position % kRows);
    benchmark::DoNotOptimize(sampler.sample(rows[row], position));
    ++position;
  }
}

void register_all() {
  const std::array<Case, 7> cases = {{
      {"greedy", {.temperature = 0}},
      {"temperature", {.temperature = 0.8F}},
      {"top_p_0.95/top_k_64", {.top_k = 64, .top_p = 0.95F}},
      {"top_p_0.95", {.top_p = 0.95F}},
      {"min_p_0.05", {.min_p = 0.05F}},
      {"top_p_0.95/min_p_0.05", {.top_p = 0.95F, .min_p = 0.05F}},
      {"penalties/top_p_0.95", {.repetition_penalty = 1.1F, .top_p = 0.95F}},
  }};
  static constexpr std::array<Shape, 3> kShapes = {
      {{"peaked", 2.5, 20}, {"wide", 4, 0}, {"flat", 1, 0}}};
  for (const Case& one : cases) {
    for (const Shape& shape : kShapes) {
      const std::string name = std::string("sample/") + one.name + "/" + shape.name;
      benchmark::RegisterBenchmark(name.c_str(), [one, &shape](benchmark::State& state) {
        sample(state, one.options, shape);
      })->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace
}  // namespace gemma2::bench

int main(int argc, char** argv) {
  gemma2::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
