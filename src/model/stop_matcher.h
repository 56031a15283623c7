// SPDX-License-Identifier: Apache-2.0
//
// Finds stop strings in text that arrives in pieces, and never lets out a byte that may turn out to
// be part of one. Matching is on text, not on tokens: a model can spell a string in many ways.
//
// Which stop string wins must not depend on how the text was cut into pieces: it is the one that
// ends first, and of those that end at the same byte the longest.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gemma2 {

class StopMatcher {
 public:
  static constexpr int kMaxStops = 64;
  static constexpr int kMaxBytes = 64 * 1024;  // of all stop strings together

  /// Throws Error(invalid_argument): too many or too long, one is empty or begins inside a UTF-8
  /// character (text could then be cut there).
  explicit StopMatcher(std::span<const std::string> stops);

  /// Adds `text`, whole UTF-8 characters, and returns what can be shown by now: all but the longest
  /// end that is a beginning of a stop string, and nothing from a match on.
  [[nodiscard]] std::string push(std::string_view text);

  /// The end of the text: returns what was held back, unless a stop string matched.
  [[nodiscard]] std::string finish();

  [[nodiscard]] bool matched() const noexcept { return match_ >= 0; }
  /// The stop string found; empty if none was.
  [[nodiscard]] std::string_view match() const noexcept;

 private:
  struct Pattern {
    std::string text;
    std::vector<int> border;  // [n]: longest proper prefix of text[0, n] that is its suffix too
    int matched = 0;          // bytes of `text` that the input ends with
  };

  void advance(char c) noexcept;

  std::vector<Pattern> patterns_;
  int match_ = -1;  // index of the pattern found
  std::string held_;
};

}  // namespace gemma2
