// SPDX-License-Identifier: Apache-2.0
//
// What was measured of one test, and the figures that follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gemma2/inspect.h"

#include "bench_plan.h"
#include "roofline.h"

namespace gemma2::cli {

/// A checkpoint in the words of llama-bench.
struct BenchModel {
  std::string name = {};  // its path, or "demo"
  std::string type = {};  // "gemma2 2B Q6_K"
  std::uint64_t bytes = 0;
  std::uint64_t parameters = 0;
  DType matrices = DType::f32;  // the type of most weights of the layers
  double head_share = 0;        // of `bytes`, those of the embedding
  ModelConfig config = {};
};

/// "2B" of 2.6e9 parameters, "4M" of 4.2e6.
[[nodiscard]] std::string size_name(std::uint64_t parameters);

[[nodiscard]] BenchModel describe_model(const std::string& name, const CheckpointInfo& info);

struct BenchRow {
  BenchTest test = {};
  BenchModel model = {};
  std::string backend = {};  // "cpu/avx2"
  std::string cpu = {};
  std::string gpu = {};  // what Model::device_report() says, if a card is used
  std::string kv_type = {};
  std::string time = {};  // of its start, ISO 8601
  int threads = 0;
  int batch = 0;
  std::size_t huge_page_bytes = 0;   // of the loaded model
  std::vector<double> seconds = {};  // of each repetition
  Work work = {};                    // of one repetition
  Roofs roofs = {};                  // the mean of before and after
  Bound bound = {};

  [[nodiscard]] bool is_load() const { return test.kind != BenchTest::Kind::run; }

  /// Of the processor: where a card takes part, they are no limit.
  [[nodiscard]] bool has_roofs() const { return roofs.read_gb > 0; }

  /// Tokens a second of each repetition.
  [[nodiscard]] std::vector<double> rates() const;
  [[nodiscard]] double mean_seconds() const;
  [[nodiscard]] double mean_rate() const;
  [[nodiscard]] double gb_per_second() const;
  [[nodiscard]] double gmac_per_second() const;

  /// Of the roof that bounds the test: its height, and how much of it was reached.
  [[nodiscard]] double peak() const { return bound.by_memory ? roofs.read_gb : roofs.gmac; }
  [[nodiscard]] std::string peak_name() const;
  [[nodiscard]] const char* peak_unit() const { return bound.by_memory ? "GB/s" : "GMAC/s"; }
  [[nodiscard]] double peak_fraction() const;
};

[[nodiscard]] double mean(const std::vector<double>& samples);

/// Of a sample: n - 1. 0 of a single one.
[[nodiscard]] double standard_deviation(const std::vector<double>& samples);

}  // namespace gemma2::cli
