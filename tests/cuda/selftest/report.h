// SPDX-License-Identifier: Apache-2.0
//
// What the self-test found, line by line: written to a file as it is found, so that what a lost
// card or a hanging kernel takes with it is the rest alone.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace gemma2::selftest {

enum class Result { pass, fail, skip, note };
[[nodiscard]] std::string_view to_string(Result result);

/// One case of a section: did the card do right?
struct Check {
  std::string section;
  std::string check;  // what was asked, and of which shape
  std::string shape;
  Result result = Result::fail;
  std::string detail;
  double seconds = 0;
};

/// One number. `share`: of the limit that `of` names, or negative: there is none.
struct Number {
  std::string section;
  std::string work;
  double value = 0;
  std::string unit;
  double share = -1;
  std::string of;
  std::string detail;
};

/// What a section runs beside of: limits of the card that another section measured.
struct Limits {
  double read_bytes = 0;  // a second
  double bf16_flops = 0;  // a second
};

struct Findings {
  std::vector<Check> checks;
  std::vector<Number> numbers;
  Limits limits;
  std::string card;
  std::string begun;  // what a section had begun and not ended
};

class Report {
 public:
  Report(std::string section, const std::filesystem::path& file);

  void begin(std::string_view what);  // of a check that may not return
  void add(Check check);
  void add(Number number);
  void set_limits(const Limits& limits);
  void set_card(std::string_view card);

 private:
  std::string section_;
  std::ofstream file_;
};

/// All that sections have written so far.
[[nodiscard]] Findings read_findings(const std::filesystem::path& file);

/// The table of checks, by groups, with each that failed; and the table of numbers.
void print_tables(const Findings& findings);
void write_json(const Findings& findings, double seconds, const std::filesystem::path& file);

}  // namespace gemma2::selftest
