// SPDX-License-Identifier: Apache-2.0
//
// The sections of the self-test, in the order in which they run.
#pragma once

#include <span>
#include <string_view>

#include "report.h"
#include "scale.h"

namespace gemma2::selftest {

struct Context {
  Report& report;
  Limits limits;
  Scale scale;
  double seconds = 0;  // what is left of the section's time
};

struct Section {
  std::string_view name;
  double seconds;     // it is cut off then
  bool is_benchmark;  // else checks
  /// Cases of GoogleTest in this program, and those of a quick run; none: `run` is called.
  std::string_view cases = {};
  std::string_view quick_cases = {};
  void (*run)(Context&) = nullptr;
};

[[nodiscard]] std::span<const Section> sections();

/// Whether the card has Hopper's instructions and this build has code for them.
[[nodiscard]] bool is_hopper();
/// Asks the card whether Hopper's own kernels give the bits of the others; where not, the tests do
/// not compare them.
void ask_hopper();

void check_device(Context& context);
void measure_limits(Context& context);
void measure_kernels(Context& context);
void measure_2b(Context& context);
void measure_9b(Context& context);
void measure_27b(Context& context);

/// Runs the cases that the filter names. Returns whether all passed.
bool run_cases(Report& report, std::string_view filter);

}  // namespace gemma2::selftest
