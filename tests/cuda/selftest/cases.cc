// SPDX-License-Identifier: Apache-2.0
//
// GoogleTest's cases as checks of the report.
#include <string>

#include <gtest/gtest.h>

#include "sections.h"

namespace gemma2::selftest {
namespace {

/// The first failure, or what a test recorded of itself.
std::string detail_of(const testing::TestResult& result) {
  for (int i = 0; i < result.total_part_count(); ++i) {
    const testing::TestPartResult& part = result.GetTestPartResult(i);
    if (part.passed()) continue;
    std::string text = part.message();
    constexpr std::size_t kMost = 300;
    if (text.size() > kMost) text.resize(kMost);
    for (char& c : text) {
      if (c == '\n') c = ' ';
    }
    return text;
  }
  std::string text;
  for (int i = 0; i < result.test_property_count(); ++i) {
    const testing::TestProperty& property = result.GetTestProperty(i);
    text += (text.empty() ? "" : ", ") + (property.key() + std::string(" ") + property.value());
  }
  return text;
}

class Rows : public testing::EmptyTestEventListener {
 public:
  explicit Rows(Report& report) : report_(report) {}

  void OnTestStart(const testing::TestInfo& info) override { report_.begin(name_of(info)); }

  void OnTestEnd(const testing::TestInfo& info) override {
    const testing::TestResult& result = *info.result();
    constexpr double kMilliseconds = 1000;
    report_.add({.section = {},
                 .check = info.test_suite_name(),
                 .shape = info.name(),
                 .result = result.Skipped()  ? Result::skip
                           : result.Failed() ? Result::fail
                                             : Result::pass,
                 .detail = detail_of(result),
                 .seconds = static_cast<double>(result.elapsed_time()) / kMilliseconds});
  }

 private:
  static std::string name_of(const testing::TestInfo& info) {
    return info.test_suite_name() + std::string(".") + info.name();
  }

  Report& report_;
};

}  // namespace

bool run_cases(Report& report, std::string_view filter) {
  int argc = 1;
  std::string name = "gpu_selftest";
  char* argv[] = {name.data(), nullptr};
  testing::InitGoogleTest(&argc, static_cast<char**>(argv));
  testing::GTEST_FLAG(filter) = std::string(filter);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  // The last to be told the end is the first that was appended: after those that may fail it.
  listeners.Append(new Rows(report));
  const bool passed = RUN_ALL_TESTS() == 0;
  if (testing::UnitTest::GetInstance()->test_to_run_count() > 0) return passed;
  report.add({.section = {},
              .check = std::string(filter),
              .shape = {},
              .result = Result::fail,
              .detail = "expected test cases, found none",
              .seconds = 0});
  return false;
}

}  // namespace gemma2::selftest
