// SPDX-License-Identifier: Apache-2.0
//
// From the lists of the command line to the tests, in the order they run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench_settings.h"

namespace gemma2::cli {

struct BenchTest {
  enum class Kind : std::uint8_t {
    load,         // the model, until it can be used
    first_token,  // the same and a prompt, until the first token is known
    run           // a prompt, or decoding, or both, with a loaded model
  };
  Kind kind = Kind::run;
  int prompt = 0;
  int generated = 0;
  int depth = 0;
  int sequences = 1;

  /// llama-bench's: pp512, tg128, pp512+tg128, tg128@d4096; besides tg32x8, load, ttft8.
  [[nodiscard]] std::string name() const;

  /// Positions that a sequence needs.
  [[nodiscard]] int positions() const { return depth + prompt + generated; }

  /// Tokens of one timing, those of all sequences together.
  [[nodiscard]] int tokens() const { return (prompt + generated) * sequences; }
};

/// Tests that share one loaded model.
struct BenchGroup {
  std::string model = {};  // empty: the one compiled into the program
  int threads = 0;
  int batch = 0;
  std::vector<BenchTest> tests = {};
};

/// Throws UsageError if nothing is to be measured.
[[nodiscard]] std::vector<BenchGroup> plan_bench(const BenchSettings& settings);

/// Throws UsageError naming the numbers if a test needs more positions than the model has.
void require_context(const std::vector<BenchGroup>& groups, const std::string& model,
                     int context_length);

}  // namespace gemma2::cli
