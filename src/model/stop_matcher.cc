// SPDX-License-Identifier: Apache-2.0
//
// One Knuth-Morris-Pratt automaton for each stop string, all advanced by every byte. A request has
// a handful of them, so an automaton for the whole set would save nothing worth its tables.
#include "model/stop_matcher.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "check.h"

namespace gemma2 {

namespace {

/// Bytes of `text` matched once `c` follows `matched` of them, which were not all.
int next_state(const std::string& text, const std::vector<int>& border, int matched,
               char c) noexcept {
  while (matched > 0 && text[static_cast<std::size_t>(matched)] != c) {
    matched = border[static_cast<std::size_t>(matched) - 1];
  }
  return matched + (text[static_cast<std::size_t>(matched)] == c ? 1 : 0);
}

std::vector<int> borders(const std::string& text) {
  std::vector<int> border(text.size(), 0);
  for (std::size_t i = 1; i < text.size(); ++i) {
    border[i] = next_state(text, border, border[i - 1], text[i]);
  }
  return border;
}

void check(std::span<const std::string> stops) {
  require(stops.size() <= StopMatcher::kMaxStops, ErrorCode::invalid_argument,
          "stop: expected at most {} strings, found {}", StopMatcher::kMaxStops, stops.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    require(!stops[i].empty(), ErrorCode::invalid_argument,
            "stop[{}]: expected a text, found an empty one", i);
    const auto first = static_cast<unsigned char>(stops[i][0]);
    require((first & 0xC0U) != 0x80U, ErrorCode::invalid_argument,
            "stop[{}]: expected UTF-8, found the byte 0x{:02X} first", i, first);
    bytes += stops[i].size();
  }
  require(bytes <= StopMatcher::kMaxBytes, ErrorCode::invalid_argument,
          "stop: expected at most {} bytes together, found {}", StopMatcher::kMaxBytes, bytes);
}

}  // namespace

StopMatcher::StopMatcher(std::span<const std::string> stops) {
  check(stops);
  patterns_.reserve(stops.size());
  for (const std::string& stop : stops) patterns_.push_back({stop, borders(stop)});
}

void StopMatcher::advance(char c) noexcept {
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    Pattern& pattern = patterns_[i];
    pattern.matched = next_state(pattern.text, pattern.border, pattern.matched, c);
    const bool whole = pattern.matched == static_cast<int>(pattern.text.size());
    if (whole && pattern.text.size() > match().size()) match_ = static_cast<int>(i);
  }
}

std::string StopMatcher::push(std::string_view text) {
  if (matched()) return {};
  for (const char c : text) {
    held_ += c;
    advance(c);
    if (!matched()) continue;
    held_.resize(held_.size() - match().size());
    return std::exchange(held_, {});
  }
  int hold = 0;
  for (const Pattern& pattern : patterns_) hold = std::max(hold, pattern.matched);
  const std::size_t shown = held_.size() - static_cast<std::size_t>(hold);
  std::string result = held_.substr(0, shown);
  held_.erase(0, shown);
  return result;
}

std::string StopMatcher::finish() {
  return std::exchange(held_, {});
}

std::string_view StopMatcher::match() const noexcept {
  if (!matched()) return {};
  return patterns_[static_cast<std::size_t>(match_)].text;
}

}  // namespace gemma2
