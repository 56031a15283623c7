// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests of a plan: one warm-up, then the repetitions, with the machine's peaks measured
// right before and right after them.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "bench_plan.h"
#include "bench_row.h"
#include "load.h"
#include "peak.h"
#include "settings.h"

namespace gemma2::cli {

class BenchRunner {
 public:
  /// `count` tests in all are announced on standard error.
  BenchRunner(const Settings& settings, std::stop_token stop, std::size_t count);

  /// Appends a row for each test of the group. Throws Interrupted; the rows so far are whole.
  void run(const BenchGroup& group, const BenchModel& model, std::vector<BenchRow>& rows);

 private:
  [[nodiscard]] LoadedModel load(const BenchGroup& group);
  [[nodiscard]] Roofs measure_roofs(const BenchRow& row);
  void time_load(BenchRow& row, const BenchGroup& group);
  void time_depth(const Model& model, std::vector<BenchRow>& rows);
  void time_sessions(BenchRow& row, std::vector<Session>& sessions);
  void announce(const BenchRow& row);
  void check_stop() const;

  const Settings& settings_;
  std::stop_token stop_;
  std::size_t count_;
  std::size_t done_ = 0;
  std::string cpu_;
  bool model_announced_ = false;
  bench::ReadProbe memory_ = {};
};

/// "AMD EPYC 7763", from /proc/cpuinfo; "unknown processor" where it does not say.
[[nodiscard]] std::string processor_name();

}  // namespace gemma2::cli
