// SPDX-License-Identifier: Apache-2.0
//
// Conversions of option values. Numbers are read by std::from_chars: no locale, no white space, and
// the whole text must be used up.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "options.h"

namespace gemma2::cli {
namespace {

template <typename T>
bool read(std::string_view text, T* value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string range_text(std::int64_t low, std::int64_t high) {
  if (high >= std::numeric_limits<int>::max()) return fmt::format("an integer >= {}", low);
  return fmt::format("an integer in {} .. {}", low, high);
}

}  // namespace

void Argument::reject(std::string_view expected) const {
  throw UsageError(fmt::format("{}: expected {}, found '{}'", name_, expected, text_));
}

bool Argument::boolean() const {
  std::string lower = text_;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), lower) != words.end();
  };
  if (is({"1", "true", "on", "yes", "enabled"})) return true;
  if (is({"0", "false", "off", "no", "disabled"})) return false;
  reject("1, true, on or 0, false, off");
}

std::int64_t Argument::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  if (!read(text_, &value) || value < low || value > high) reject(range_text(low, high));
  return value;
}

int Argument::size(int low, int high) const {
  const bool kilo = !text_.empty() && (text_.back() == 'k' || text_.back() == 'K');
  std::int64_t value = 0;
  const bool sound = read(std::string_view(text_).substr(0, text_.size() - (kilo ? 1 : 0)), &value);
  if (!sound || value < low || value > high) reject(range_text(low, high));
  if (kilo) value *= 1024;
  if (value > high) reject(range_text(low, high));
  return static_cast<int>(value);
}

float Argument::number(float low, float high) const {
  float value = 0;
  if (!read(text_, &value) || !(value >= low && value <= high)) {
    reject(fmt::format("a number in {} .. {}", low, high));
  }
  return value;
}

float Argument::positive(float high) const {
  float value = 0;
  if (!read(text_, &value) || !(value > 0 && value <= high)) {
    reject(fmt::format("a number > 0 and <= {}", high));
  }
  return value;
}

std::size_t Argument::choice(std::initializer_list<std::string_view> words) const {
  const auto* found = std::find(words.begin(), words.end(), text_);
  if (found == words.end()) reject(fmt::format("one of {}", fmt::join(words, ", ")));
  return static_cast<std::size_t>(found - words.begin());
}

std::pair<TokenId, float> Argument::logit_bias() const {
  const std::size_t sign = text_.find_first_of("+-", 1);
  TokenId token = 0;
  float bias = 0;
  const bool sound = sign != std::string::npos &&
                     read(std::string_view(text_).substr(0, sign), &token) &&
                     read(std::string_view(text_).substr(sign), &bias) && token >= 0 &&
                     (std::isfinite(bias) || bias < 0);
  if (!sound) reject("ID+BIAS or ID-BIAS with a finite bias, or ID-inf");
  return {token, bias};
}

}  // namespace gemma2::cli
