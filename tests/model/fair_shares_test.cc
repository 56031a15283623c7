// SPDX-License-Identifier: Apache-2.0
#include "model/fair_shares.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemma2 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int> shares(int budget, const std::vector<int>& needs) {
  return fair_shares(budget, needs);
}

TEST(FairShares, NobodyGetsMoreThanTheyNeed) {
  EXPECT_THAT(shares(100, {3, 5, 7}), ElementsAre(3, 5, 7));
}

TEST(FairShares, WhatSomeDoNotNeedGoesToTheOthers) {
  EXPECT_THAT(shares(30, {100, 2, 100}), ElementsAre(14, 2, 14));
}

TEST(FairShares, TheRestGoesToTheFirst) {
  EXPECT_THAT(shares(11, {9, 9, 9}), ElementsAre(4, 4, 3));
  EXPECT_THAT(shares(2, {9, 9, 9}), ElementsAre(1, 1, 0));
}

TEST(FairShares, NobodyNeedsNothing) {
  EXPECT_THAT(shares(5, {}), IsEmpty());
}

TEST(FairShares, KeepTheirPromiseWhateverIsNeeded) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> needs(1 + random() % 9);
    for (int& need : needs) need = 1 + static_cast<int>(random() % 40);
    const int budget = 1 + static_cast<int>(random() % 200);
    const std::vector<int> got = fair_shares(budget, needs);
    const int needed = std::accumulate(needs.begin(), needs.end(), 0);
    ASSERT_EQ(std::accumulate(got.begin(), got.end(), 0), std::min(budget, needed));
    for (std::size_t i = 0; i < needs.size(); ++i) {
      ASSERT_LE(got[i], needs[i]);
      if (got[i] == needs[i]) continue;
      for (std::size_t j = 0; j < needs.size(); ++j) {
        ASSERT_GE(got[i], j < i ? got[j] - 1 : got[j]) << "round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace gemma2
