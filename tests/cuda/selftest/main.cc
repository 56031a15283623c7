// SPDX-License-Identifier: Apache-2.0
//
// gpu_selftest: everything that a card must show, in one command. See bench/CUDA.md.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "kernels/backend.h"
#include "process.h"
#include "sections.h"

namespace gemma2::selftest {
namespace {

constexpr int kSkipped = 77;  // what ctest takes for skipped
constexpr int kWrongUse = 2;
constexpr double kUsualSeconds = 480;
constexpr std::string_view kUsage =
    "gpu_selftest [--json FILE] [--quick] [--only SECTION] [--no-bench] [--seconds N]\n"
    "Checks and measures the CUDA kernels on the first card, in at most 480 seconds.\n"
    "Exit code 0: all checks passed, 1: one failed, 2: wrong use, 77: there is no card.\n";

struct Options {
  std::string json;
  std::vector<std::string> only;
  bool quick = false;
  bool bench = true;
  double seconds = kUsualSeconds;
  // Of the processes that this one starts: which section, and where its rows go.
  std::string section;
  std::string rows;
};

bool parse(Options& options, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const bool has_value = i + 1 < argc;
    if (name == "--quick") {
      options.quick = true;
    } else if (name == "--no-bench") {
      options.bench = false;
    } else if (name == "--json" && has_value) {
      options.json = argv[++i];
    } else if (name == "--only" && has_value) {
      options.only.emplace_back(argv[++i]);
    } else if (name == "--section" && has_value) {
      options.section = argv[++i];
    } else if (name == "--rows" && has_value) {
      options.rows = argv[++i];
    } else if (name == "--seconds" && has_value) {
      const std::string_view text = argv[++i];
      const auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), options.seconds);
      if (error != std::errc() || end != text.data() + text.size() || options.seconds <= 0) {
        fmt::print(stderr, "--seconds: expected a positive number, found '{}'\n", text);
        return false;
      }
    } else {
      fmt::print(stderr, "expected an option, found '{}'\n{}", name, kUsage);
      return false;
    }
  }
  return true;
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections()) {
    if (section.name == name) return &section;
  }
  std::string names;
  for (const Section& section : sections()) names += fmt::format(" {}", section.name);
  fmt::print(stderr, "--only: expected one of{}, found '{}'\n", names, name);
  return nullptr;
}

/// In the section's own process.
int run_section(const Options& options, const Section& section) {
  Report report(options.section, options.rows);
  const CudaSearch search = find_cuda_device();  // chooses it, too
  if (!search.device) {
    report.add(Check{.section = {},
                     .check = "card",
                     .shape = {},
                     .result = Result::skip,
                     .detail = search.problem});
    return kSkipped;
  }
  Context context{report, read_findings(options.rows).limits, make_scale(options.quick),
                  options.seconds};
  try {
    if (section.run != nullptr) {
      section.run(context);
      return 0;
    }
    ask_hopper();
    return run_cases(report, options.quick ? section.quick_cases : section.cases) ? 0 : 1;
  } catch (const std::exception& error) {
    report.add(Check{.section = {},
                     .check = "no error",
                     .shape = {},
                     .result = Result::fail,
                     .detail = error.what()});
    return 1;
  }
}

/// Says what a section that did not end by itself has left undone.
void judge(const Section& section, const Ended& ended, double limit, const std::string& rows) {
  const bool is_told = ended.in_time && ended.exit_code >= 0;
  if (is_told && (ended.exit_code == 0 || ended.exit_code == 1 || ended.exit_code == kSkipped)) {
    return;
  }
  const std::string begun = read_findings(rows).begun;
  std::string what =
      ended.in_time ? fmt::format("ended by signal {}, exit code {}", ended.signal, ended.exit_code)
                    : fmt::format("cut after {:.0f} s", limit);
  if (!begun.empty()) what += " in " + begun;
  Report(std::string(section.name), rows)
      .add(Check{.section = {},
                 .check = "ends in time",
                 .shape = {},
                 // A benchmark that was cut has said nothing wrong.
                 .result = section.is_benchmark && !ended.in_time ? Result::note : Result::fail,
                 .detail = what});
}

bool is_wanted(const Options& options, const Section& section) {
  if (!options.only.empty()) {
    return std::find(options.only.begin(), options.only.end(), section.name) != options.only.end();
  }
  return options.bench || !section.is_benchmark;
}

int run_all(const Options& options, const std::string& rows) {
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (const Section& section : sections()) {
    if (!is_wanted(options, section)) continue;
    // More time than usual is for tools that slow everything down.
    const double stretch = std::max(1.0, options.seconds / kUsualSeconds);
    const double limit = std::min(section.seconds * stretch, options.seconds - spent());
    Report report(std::string(section.name), rows);
    if (limit < 1) {
      report.add(Check{.section = {},
                       .check = "has time",
                       .shape = {},
                       .result = Result::note,
                       .detail = "cut: the time is up"});
      continue;
    }
    fmt::print(stderr, "[{:3.0f} s] {}, at most {:.0f} s\n", spent(), section.name, limit);
    std::vector<std::string> arguments{"--section", std::string(section.name),   "--rows", rows,
                                       "--seconds", fmt::format("{:.1f}", limit)};
    if (options.quick) arguments.emplace_back("--quick");
    const Ended ended = run_self(arguments, limit);
    judge(section, ended, limit, rows);
    if (ended.exit_code == kSkipped) {
      fmt::print("skipped: {}\n", read_findings(rows).checks.back().detail);
      return kSkipped;
    }
  }
  const Findings findings = read_findings(rows);
  print_tables(findings);
  if (!options.json.empty()) write_json(findings, spent(), options.json);
  const auto failed =
      std::count_if(findings.checks.begin(), findings.checks.end(),
                    [](const Check& check) { return check.result == Result::fail; });
  fmt::print("\n{} checks, {} failed; {} numbers; {:.0f} s\n", findings.checks.size(), failed,
             findings.numbers.size(), spent());
  return failed == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  Options options;
  if (!parse(options, argc, argv)) return kWrongUse;
  if (!options.section.empty()) {
    const Section* section = find_section(options.section);
    return section == nullptr ? kWrongUse : run_section(options, *section);
  }
  for (const std::string& name : options.only) {
    if (find_section(name) == nullptr) return kWrongUse;
  }
  std::string rows = std::filesystem::temp_directory_path() / "gpu_selftest_XXXXXX";
  const int file = mkstemp(rows.data());
  if (file < 0) {
    fmt::print(stderr, "expected to create {}, could not\n", rows);
    return kWrongUse;
  }
  close(file);
  const int code = run_all(options, rows);
  std::filesystem::remove(rows);
  return code;
}

}  // namespace
}  // namespace gemma2::selftest

int main(int argc, char** argv) {
  return gemma2::selftest::run(argc, argv);
}
