// SPDX-License-Identifier: Apache-2.0
#include "model/stop_matcher.h"

#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/error.h"

namespace gemma2 {
namespace {

struct Outcome {
  std::string shown = {};
  std::string stop = {};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Looks at every prefix of the text, shortest first, for a stop string at its end.
Outcome naive(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops) {
      const bool ends_here =
          end >= stop.size() && text.compare(end - stop.size(), stop.size(), stop) == 0;
      if (ends_here && stop.size() > longest.size()) longest = stop;
    }
    if (!longest.empty()) return {text.substr(0, end - longest.size()), longest};
  }
  return {text, ""};
}

std::string random_text(std::mt19937& random, int max_length, bool empty_allowed) {
  static const std::vector<std::string> kAlphabet = {"a", "b", "\n", "é", "è", "日", "🦊"};
  std::string text;
  const int length =
      static_cast<int>(random() % static_cast<unsigned>(max_length)) + (empty_allowed ? 0 : 1);
  for (int i = 0; i < length; ++i)
    text += kAlphabet[random() % (i % 3 == 0 ? 2 : kAlphabet.size())];
  return text;
}

/// Pieces of whole characters, as a StreamDecoder makes them.
std::vector<std::string> cut(std::mt19937& random, const std::string& text) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    const bool starts_character = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (starts_character && random() % 2 == 0) pieces.emplace_back();
    pieces.back() += c;
  }
  return pieces;
}

bool whole_characters(const std::string& text) {
  return text.empty() || (static_cast<unsigned char>(text[0]) & 0xC0U) != 0x80U;
}

TEST(StopMatcher, AgreesWithANaiveSearchHoweverTheTextIsCut) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops;
    for (unsigned i = random() % 4; i > 0; --i) stops.push_back(random_text(random, 4, false));
    const std::string text = random_text(random, 20, true);
    StopMatcher matcher(stops);
    Outcome found;
    for (const std::string& piece : cut(random, text)) {
      const std::string shown = matcher.push(piece);
      ASSERT_TRUE(whole_characters(shown));
      found.shown += shown;
    }
    found.shown += matcher.finish();
    found.stop = matcher.match();
    ASSERT_EQ(found, naive(text, stops)) << "text: " << text;
  }
}

TEST(StopMatcher, NeverShowsTheBeginningOfAStopString) {
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    const std::vector<std::string> stops = {random_text(random, 5, false),
                                            random_text(random, 5, false)};
    StopMatcher matcher(stops);
    std::string shown;
    std::string all;
    for (const std::string& piece : cut(random, random_text(random, 20, true))) {
      all += piece;
      shown += matcher.push(piece);
      if (matcher.matched()) break;
      // What was not shown is the longest end of the text that begins some stop string.
      std::size_t longest = 0;
      for (const std::string& stop : stops) {
        for (std::size_t n = 1; n < stop.size() && n <= all.size(); ++n) {
          if (all.compare(all.size() - n, n, stop, 0, n) == 0) longest = std::max(longest, n);
        }
      }
      ASSERT_EQ(shown, all.substr(0, all.size() - longest));
    }
  }
}

TEST(StopMatcher, ShowsHeldBackTextOnceItCannotMatch) {
  const std::vector<std::string> stops = {"</answer>"};
  StopMatcher matcher(stops);
  EXPECT_EQ(matcher.push("yes </ans"), "yes ");
  EXPECT_EQ(matcher.push("wers> </an"), "</answers> ");
  EXPECT_EQ(matcher.push("swer>"), "");
  EXPECT_TRUE(matcher.matched());
  EXPECT_EQ(matcher.match(), "</answer>");
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, FlushesAtTheEnd) {
  const std::vector<std::string> stops = {"abc"};
  StopMatcher matcher(stops);
  EXPECT_EQ(matcher.push("xab"), "x");
  EXPECT_EQ(matcher.finish(), "ab");
  EXPECT_FALSE(matcher.matched());
  EXPECT_EQ(matcher.match(), "");
}

TEST(StopMatcher, TheStopThatEndsFirstWinsAndOfThoseTheLongest) {
  const std::vector<std::string> stops = {"bcd", "bc", "abc", "c"};
  StopMatcher matcher(stops);
  EXPECT_EQ(matcher.push("xabcd"), "x");
  EXPECT_EQ(matcher.match(), "abc");
}

TEST(StopMatcher, WithoutStopsEverythingPasses) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.push("text"), "text");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, RejectsEmptyOversizedAndBrokenStops) {
  const auto message = [](const std::vector<std::string>& stops) -> std::string {
    try {
      const StopMatcher matcher(stops);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({"a", ""}), "stop[1]: expected a text, found an empty one");
  EXPECT_EQ(message(std::vector<std::string>(65, "a")),
            "stop: expected at most 64 strings, found 65");
  EXPECT_EQ(message({std::string(65537, 'a')}),
            "stop: expected at most 65536 bytes together, found 65537");
  EXPECT_EQ(message({"\xA9"}), "stop[0]: expected UTF-8, found the byte 0xA9 first");
  EXPECT_EQ(message(std::vector<std::string>(64, "a")), "no error");
}

TEST(StopMatcher, CanBeCopiedInTheMiddle) {
  const std::vector<std::string> stops = {"stop"};
  StopMatcher first(stops);
  EXPECT_EQ(first.push("a sto"), "a ");
  StopMatcher second = first;
  EXPECT_EQ(second.push("p"), "");
  EXPECT_EQ(second.match(), "stop");
  EXPECT_EQ(first.push("re"), "store");
}

}  // namespace
}  // namespace gemma2
