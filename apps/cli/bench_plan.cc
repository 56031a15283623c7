// SPDX-License-Identifier: Apache-2.0
#include "bench_plan.h"

#include <fmt/format.h>

#include "settings.h"

namespace gemma2::cli {
namespace {

std::vector<BenchTest> list_tests(const BenchSettings& s) {
  std::vector<BenchTest> tests;
  if (s.load) {
    tests.push_back({.kind = BenchTest::Kind::load});
    tests.push_back({.kind = BenchTest::Kind::first_token, .prompt = s.load_prompt});
  }
  for (const int depth : s.depths.values) {
    for (const int prompt : s.prompts.values) {
      if (prompt > 0) tests.push_back({.prompt = prompt, .depth = depth});
    }
    for (const int generated : s.generated.values) {
      for (const int sequences : s.sequences.values) {
        if (generated == 0) continue;
        tests.push_back({.generated = generated, .depth = depth, .sequences = sequences});
      }
    }
    for (const auto& [prompt, generated] : s.prompts_generated) {
      tests.push_back({.prompt = prompt, .generated = generated, .depth = depth});
    }
  }
  return tests;
}

}  // namespace

std::string BenchTest::name() const {
  if (kind == Kind::load) return "load";
  if (kind == Kind::first_token) return fmt::format("ttft{}", prompt);
  std::string name;
  if (prompt > 0) name += fmt::format("pp{}", prompt);
  if (generated > 0) name += fmt::format("{}tg{}", name.empty() ? "" : "+", generated);
  if (sequences > 1) name += fmt::format("x{}", sequences);
  if (depth > 0) name += fmt::format("@d{}", depth);
  return name;
}

std::vector<BenchGroup> plan_bench(const BenchSettings& settings) {
  const std::vector<BenchTest> tests = list_tests(settings);
  if (tests.empty()) {
    throw UsageError(
        "bench: expected something to measure, found --n-prompt 0 and --n-gen 0 without "
        "--prompt-gen or --load");
  }
  std::vector<std::string> models = settings.models;
  if (models.empty()) models.emplace_back();
  std::vector<BenchGroup> groups;
  for (const std::string& model : models) {
    for (const int batch : settings.batches.values) {
      for (const int threads : settings.threads.values) {
        groups.push_back({model, threads, batch, tests});
      }
    }
  }
  return groups;
}

void require_context(const std::vector<BenchGroup>& groups, const std::string& model,
                     int context_length) {
  for (const BenchGroup& group : groups) {
    if (group.model != model) continue;
    for (const BenchTest& test : group.tests) {
      if (test.positions() <= context_length) continue;
      throw UsageError(fmt::format(
          "bench: {}: expected depth + prompt + generated tokens of at most {}, the model's "
          "context, found {} + {} + {} = {}",
          test.name(), context_length, test.depth, test.prompt, test.generated, test.positions()));
    }
  }
}

}  // namespace gemma2::cli
