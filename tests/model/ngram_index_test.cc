// SPDX-License-Identifier: Apache-2.0
#include "model/ngram_index.h"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemma2 {
namespace {

NgramIndex index_of(const std::vector<TokenId>& tokens) {
  NgramIndex index;
  for (const TokenId token : tokens) index.append(token);
  return index;
}

/// The same by trying every place.
NgramIndex::Match longest_match(const std::vector<TokenId>& tokens) {
  NgramIndex::Match best;
  const auto size = static_cast<int>(tokens.size());
  for (int place = size - 2; place >= 0; --place) {
    int length = 0;
    while (length <= place && length < NgramIndex::kLongestMatch &&
           tokens.at(static_cast<std::size_t>(place - length)) ==
               tokens.at(static_cast<std::size_t>(size - 1 - length))) {
      ++length;
    }
    if (length >= NgramIndex::kShortestOrder && length > best.length) best = {place + 1, length};
  }
  return best;
}

/// Whether the text really reads the same there.
bool is_true(const NgramIndex::Match& match, const std::vector<TokenId>& tokens) {
  if (match.length == 0) return true;
  const auto next = tokens.begin() + match.next;
  return match.next >= match.length && match.next < static_cast<int>(tokens.size()) &&
         std::equal(next - match.length, next, tokens.end() - match.length);
}

TEST(NgramIndex, ShortTextsMatchNothing) {
  for (const std::vector<TokenId>& tokens :
       {std::vector<TokenId>{}, {7}, {7, 7}, {7, 8, 7}, {1, 2, 3, 4, 5, 6}}) {
    EXPECT_EQ(index_of(tokens).find().length, 0) << testing::PrintToString(tokens);
  }
}

TEST(NgramIndex, LongestMatchWins) {
  // "1 2" stood before twice: once after a 9, as it does now, and later after an 8.
  const NgramIndex index = index_of({9, 1, 2, 5, 8, 1, 2, 6, 9, 1, 2});
  const NgramIndex::Match match = index.find();
  EXPECT_EQ(match.length, 3);
  EXPECT_EQ(match.next, 3);
  EXPECT_THAT(index.continuation(match, 3), testing::ElementsAre(5, 8, 1));
}

TEST(NgramIndex, LatestOfEqualsWins) {
  const NgramIndex index = index_of({1, 2, 3, 1, 2, 4, 1, 2, 5, 9, 1, 2});
  EXPECT_EQ(index.find().length, 2);
  EXPECT_EQ(index.find().next, 8);
}

TEST(NgramIndex, PeriodGoesOnBeyondTheEnd) {
  const NgramIndex index = index_of({5, 1, 2, 3, 1, 2, 3, 1});
  const NgramIndex::Match match = index.find();
  EXPECT_EQ(match.length, 4);
  EXPECT_THAT(index.continuation(match, 8), testing::ElementsAre(2, 3, 1, 2, 3, 1, 2, 3));
}

TEST(NgramIndex, OneTokenOverAndOverContinues) {
  const NgramIndex index = index_of({4, 4, 4});
  EXPECT_EQ(index.find().length, 2);
  EXPECT_THAT(index.continuation(index.find(), 5), testing::Each(4));
}

TEST(NgramIndex, EqualsASearchOfEveryPlace) {
  std::mt19937 random(1);
  for (const int alphabet :
       {60, 100, 1000}) {  // large enough for every place to be among the latest
    std::vector<TokenId> tokens;
    NgramIndex index;
    int found = 0;
    while (tokens.size() < 1500) {  // beyond the first tables' size
      // New text, and from time to time a quotation of up to 20 tokens.
      const std::size_t from = random() % (tokens.size() + 1);
      const std::size_t quoted = random() % 16 == 0 ? random() % 20 : 0;
      for (std::size_t i = 0; i <= quoted; ++i) {
        const bool fresh = i == quoted || from + i >= tokens.size();
        const TokenId token = fresh ? static_cast<TokenId>(random() % alphabet) : tokens[from + i];
        tokens.push_back(token);
        index.append(token);
        const NgramIndex::Match match = index.find();
        const NgramIndex::Match expected = longest_match(tokens);
        ASSERT_EQ(match.length, expected.length) << alphabet << ", " << tokens.size();
        ASSERT_EQ(match.next, expected.next) << alphabet << ", " << tokens.size();
        found += match.length > 0 ? 1 : 0;
      }
    }
    EXPECT_GT(found, 50);
  }
}

TEST(NgramIndex, AnythingFoundIsTrueWhateverTheText) {
  // Few different tokens: chains far longer than what is looked at.
  std::mt19937 random(2);
  for (const unsigned alphabet : {1U, 2U, 3U, 5U}) {
    std::vector<TokenId> tokens;
    NgramIndex index;
    for (int i = 0; i < 3000; ++i) {
      tokens.push_back(static_cast<TokenId>(random() % alphabet));
      index.append(tokens.back());
      const NgramIndex::Match match = index.find();
      ASSERT_TRUE(is_true(match, tokens)) << alphabet << ", " << i;
      ASSERT_LE(match.length, NgramIndex::kLongestMatch);
    }
    EXPECT_GE(index.find().length, NgramIndex::kLongestOrder);
  }
}

TEST(NgramIndex, IdsOfAnySizeAreTold) {
  constexpr TokenId kLargest = std::numeric_limits<TokenId>::max();
  const NgramIndex index = index_of({kLargest, 0, 5, -1, kLargest, 6, kLargest, 0});
  EXPECT_EQ(index.find().length, 2);
  EXPECT_EQ(index.find().next, 2);
}

TEST(NgramIndex, LongestContextOfOneTokenIsNoLongerSearchThanAnyOther) {
  // The whole context a hundred times over would not end in the time of a test if a look-up or an
  // append read all that is alike.
  NgramIndex index;
  for (int i = 0; i < 131072; ++i) {
    index.append(3);
    if (i < NgramIndex::kLongestMatch) continue;
    const NgramIndex::Match match = index.find();
    ASSERT_EQ(match.length, NgramIndex::kLongestMatch);
    ASSERT_EQ(match.next, i);  // the latest: one token back
  }
  EXPECT_EQ(index.size(), 131072);
}

}  // namespace
}  // namespace gemma2
