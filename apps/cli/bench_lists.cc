// SPDX-License-Identifier: Apache-2.0
#include "bench_lists.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

namespace gemma2::cli {
namespace {

constexpr std::size_t kMostCounts = 1000;

struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;
  char operation = '+';
  std::int64_t operand = 1;
};

/// Takes a number off the front. false: there is none, or it does not fit.
bool take_number(std::string_view& text, std::int64_t* value) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

bool read_range(std::string_view item, Range* range) {
  if (!take_number(item, &range->first)) return false;
  range->last = range->first;
  if (item.empty()) return true;
  if (item[0] != '-') return false;
  item.remove_prefix(1);
  if (!take_number(item, &range->last)) return false;
  if (item.empty()) return true;
  range->operation = item[0];
  if (item[0] != '+' && item[0] != '*') return false;
  item.remove_prefix(1);
  return take_number(item, &range->operand) && item.empty();
}

/// Whether the range comes to an end, which a step of 0 and a factor of 1 do not.
bool ends(const Range& range) {
  if (range.last < range.first) return false;
  if (range.operation == '+') return range.operand >= 1;
  return range.operand >= 2 && range.first >= 1;
}

}  // namespace

std::vector<int> parse_counts(const Argument& argument, int low, int high) {
  const std::string& text = argument.text();
  std::vector<int> counts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const std::string_view item = std::string_view(text).substr(begin, comma - begin);
    Range range;
    const bool sound =
        read_range(item, &range) && ends(range) && range.first >= low && range.last <= high;
    if (!sound) {
      throw UsageError(fmt::format(
          "{}: expected integers in {} .. {} between commas, or ranges like 1-4, 0-4096+1024 or "
          "1-8*2, found '{}' in '{}'",
          argument.name(), low, high, item, text));
    }
    for (std::int64_t value = range.first; value <= range.last;) {
      if (counts.size() == kMostCounts) {
        throw UsageError(fmt::format("{}: expected at most {} values, found more in '{}'",
                                     argument.name(), kMostCounts, text));
      }
      counts.push_back(static_cast<int>(value));
      value = range.operation == '+' ? value + std::min<std::int64_t>(range.operand, high + 1L)
                                     : value * std::min<std::int64_t>(range.operand, high + 1L);
    }
    begin = comma + 1;
  }
  return counts;
}

std::pair<int, int> parse_count_pair(const Argument& argument, int high) {
  const std::string& text = argument.text();
  std::string_view rest = text;
  std::int64_t first = 0;
  std::int64_t second = 0;
  const auto in_range = [&](std::int64_t value) { return value >= 1 && value <= high; };
  bool sound = take_number(rest, &first) && !rest.empty() && rest[0] == ',';
  if (sound) {
    rest.remove_prefix(1);
    sound = take_number(rest, &second) && rest.empty() && in_range(first) && in_range(second);
  }
  if (!sound) {
    throw UsageError(
        fmt::format("{}: expected PROMPT,GENERATED, two integers in 1 .. {}, found '{}'",
                    argument.name(), high, text));
  }
  return {static_cast<int>(first), static_cast<int>(second)};
}

}  // namespace gemma2::cli
