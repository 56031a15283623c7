// SPDX-License-Identifier: Apache-2.0
#include "model/draft_length.h"

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

constexpr int kMost = 24;

TEST(DraftLength, BeginsWithShortDraftsAndLongerOnesAfterLongMatches) {
  DraftLength length(kMost);
  EXPECT_GE(length.choose(2), 1);
  EXPECT_LE(length.choose(2), 3);
  EXPECT_GT(length.choose(16), length.choose(4));
  EXPECT_LT(length.choose(16), kMost);
}

TEST(DraftLength, GrowsToTheLimitWhileAllIsAccepted) {
  for (const int match : {2, 3, 5, 10, 32}) {
    DraftLength length(kMost);
    int last = 0;
    for (int round = 0; round < 16; ++round) {
      const int drafted = length.choose(match);
      ASSERT_GE(drafted, last);
      last = drafted;
      length.record(match, drafted, drafted);
    }
    EXPECT_EQ(last, kMost) << match;
  }
}

TEST(DraftLength, EndsWithinAFewRejections) {
  for (const int match : {2, 3, 5, 10, 32}) {
    DraftLength length(kMost);
    for (int round = 0; round < 100; ++round) length.record(match, kMost, kMost);
    ASSERT_EQ(length.choose(match), kMost);
    int rejections = 0;
    for (int drafted = 0; (drafted = length.choose(match)) > 0; ++rejections) {
      length.record(match, drafted, 0);
    }
    EXPECT_LE(rejections, 8) << match;
  }
}

TEST(DraftLength, ProbesAgainButSeldom) {
  DraftLength length(kMost);
  int rows = 0;
  constexpr int kSteps = 1200;
  for (int step = 0; step < kSteps; ++step) {
    const int drafted = length.choose(5);
    if (drafted > 0) length.record(5, drafted, 0);
    rows += drafted;
  }
  EXPECT_GT(rows, kSteps / 100);
  EXPECT_LT(rows, kSteps / 6);
  // And comes back when the text begins to repeat itself.
  for (int step = 0; step < 60; ++step) {
    const int drafted = length.choose(5);
    if (drafted > 0) length.record(5, drafted, drafted);
  }
  EXPECT_EQ(length.choose(5), kMost);
}

TEST(DraftLength, OddsOfShortMatchesSayNothingOfLongOnes) {
  DraftLength length(kMost);
  const int before = length.choose(20);
  for (int round = 0; round < 20; ++round) length.record(2, 3, 0);
  EXPECT_EQ(length.choose(2), 0);
  EXPECT_EQ(length.choose(20), before);
}

TEST(DraftLength, LimitHolds) {
  for (const int most : {0, 1, 3}) {
    DraftLength length(most);
    for (int round = 0; round < 20; ++round) length.record(32, 3, 3);
    EXPECT_EQ(length.choose(32), most);
  }
}

}  // namespace
}  // namespace gemma2
