// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <cstdio>
#include <map>
#include <utility>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace gemma2::selftest {
namespace {

using Json = nlohmann::json;

constexpr Result kResults[] = {Result::pass, Result::fail, Result::skip, Result::note};

Result result_of(std::string_view name) {
  for (const Result result : kResults) {
    if (to_string(result) == name) return result;
  }
  return Result::fail;
}

Json json_of(const Check& check) {
  return {{"section", check.section}, {"check", check.check},
          {"shape", check.shape},     {"result", to_string(check.result)},
          {"detail", check.detail},   {"seconds", check.seconds}};
}

Json json_of(const Number& number) {
  Json json = {{"section", number.section}, {"work", number.work},     {"value", number.value},
               {"unit", number.unit},       {"detail", number.detail}, {"of", number.of}};
  json["share"] = number.share < 0 ? Json() : Json(number.share);
  return json;
}

Json json_of(const Limits& limits) {
  return {{"read_bytes", limits.read_bytes}, {"bf16_flops", limits.bf16_flops}};
}

/// Of damaged bytes a message may have, what is no UTF-8 is replaced.
std::string text_of(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void take(Findings& to, const Json& line) {
  if (line.contains("check")) {
    to.checks.push_back({line["section"], line["check"], line["shape"],
                         result_of(line["result"].get<std::string>()), line["detail"],
                         line["seconds"]});
    to.begun.clear();
  } else if (line.contains("work")) {
    to.numbers.push_back({line["section"], line["work"], line["value"], line["unit"],
                          line["share"].is_null() ? -1 : line["share"].get<double>(), line["of"],
                          line["detail"]});
  } else if (line.contains("read_bytes")) {
    to.limits = {line["read_bytes"], line["bf16_flops"]};
  } else if (line.contains("card")) {
    to.card = line["card"];
  } else if (line.contains("begun")) {
    to.begun = line["begun"];
  }
}

struct Group {
  int counts[std::size(kResults)] = {};
  double seconds = 0;
};

void print_line(const Check& check) {
  fmt::print("{:<12} {:<30} {:<34} {:<5} {}\n", check.section, check.check, check.shape,
             to_string(check.result), check.detail);
}

void print_number(std::FILE* to, const Number& number) {
  std::string share;
  if (number.share >= 0) share = fmt::format("{:>6.1f} % of {}", 100 * number.share, number.of);
  fmt::print(to, "{:<12} {:<46} {:>10.4g} {:<9} {:<26} {}\n", number.section, number.work,
             number.value, number.unit, share, number.detail);
}

}  // namespace

std::string_view to_string(Result result) {
  switch (result) {
    case Result::pass:
      return "pass";
    case Result::fail:
      return "FAIL";
    case Result::skip:
      return "skip";
    case Result::note:
      return "note";
  }
  return "";
}

Report::Report(std::string section, const std::filesystem::path& file)
    : section_(std::move(section)), file_(file, std::ios::app) {}

void Report::begin(std::string_view what) {
  file_ << text_of({{"begun", what}}) << std::endl;
}

void Report::add(Check check) {
  check.section = section_;
  file_ << text_of(json_of(check)) << std::endl;
  fmt::print(stderr, "{:<12} {} {} {} {}\n", section_, to_string(check.result), check.check,
             check.shape, check.detail);
}

void Report::add(Number number) {
  number.section = section_;
  file_ << text_of(json_of(number)) << std::endl;
  print_number(stderr, number);
}

void Report::set_limits(const Limits& limits) {
  file_ << text_of(json_of(limits)) << std::endl;
}

void Report::set_card(std::string_view card) {
  file_ << text_of({{"card", card}}) << std::endl;
}

Findings read_findings(const std::filesystem::path& file) {
  Findings findings;
  std::ifstream in(file);
  for (std::string text; std::getline(in, text);) {
    const Json line = Json::parse(text, nullptr, false);
    if (line.is_object()) take(findings, line);  // the last line may have been cut off
  }
  return findings;
}

void print_tables(const Findings& findings) {
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const Check& check : findings.checks) {
    Group& group = groups[{check.section, check.check}];
    ++group.counts[static_cast<int>(check.result)];
    group.seconds += check.seconds;
  }
  fmt::print("\n{}\n\n{:<12} {:<44} {:>6} {:>6} {:>6} {:>8}\n", findings.card, "section", "check",
             "pass", "FAIL", "skip", "seconds");
  for (const auto& [name, group] : groups) {
    fmt::print("{:<12} {:<44} {:>6} {:>6} {:>6} {:>8.1f}\n", name.first, name.second,
               group.counts[0], group.counts[1], group.counts[2], group.seconds);
  }
  fmt::print("\n{:<12} {:<30} {:<34} {:<5} detail\n", "section", "check", "shape", "result");
  for (const Check& check : findings.checks) {
    if (check.result != Result::pass) print_line(check);
  }
  if (findings.numbers.empty()) return;
  fmt::print("\n{:<12} {:<46} {:>10} {:<9} {:<26} detail\n", "section", "work", "value", "unit",
             "share");
  for (const Number& number : findings.numbers) print_number(stdout, number);
}

void write_json(const Findings& findings, double seconds, const std::filesystem::path& file) {
  Json json = {{"card", findings.card},
               {"seconds", seconds},
               {"limits", json_of(findings.limits)},
               {"checks", Json::array()},
               {"numbers", Json::array()}};
  for (const Check& check : findings.checks) json["checks"].push_back(json_of(check));
  for (const Number& number : findings.numbers) json["numbers"].push_back(json_of(number));
  std::ofstream(file) << text_of(json, 1) << '\n';
}

}  // namespace gemma2::selftest
