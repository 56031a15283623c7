// SPDX-License-Identifier: Apache-2.0
//
// The search for the best token against the plain way: cap everything, take the first maximum.
#include "kernels/cpu/best_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "kernels/kernel_inputs.h"

namespace gemma2 {
namespace {

using cpu::BestSearch;
using cpu::KernelTable;
using cpu::least_rival;

constexpr int kBlock = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kCaps[] = {30, 0.5F, 64, 1e-35F};

float soft_cap(const KernelTable& table, float x, float cap) {
  table.soft_cap(&x, 1, cap);
  return x;
}

BestToken plain_best(const KernelTable& table, std::vector<float> logits, float cap,
                     TokenMask allowed) {
  table.soft_cap(logits.data(), static_cast<int>(logits.size()), cap);
  BestToken best;
  for (int i = 0; i < static_cast<int>(logits.size()); ++i) {
    const float logit = logits[static_cast<std::size_t>(i)];
    if (!is_allowed(allowed, i)) continue;
    if (std::isnan(logit)) {
      if (best.non_finite == 0) best.first_non_finite = i;
      ++best.non_finite;
    } else if (best.token < 0 || logit > logits[static_cast<std::size_t>(best.token)]) {
      best.token = i;
    }
  }
  return best;
}

/// Hands the blocks over in the order given.
BestToken searched_best(const KernelTable& table, std::vector<float> logits, float cap,
                        TokenMask allowed, const std::vector<int>& order) {
  BestSearch search(cap);
  for (const int block : order) {
    const int first = block * kBlock;
    const int count = std::min(kBlock, static_cast<int>(logits.size()) - first);
    search.add(table, logits.data() + first, count, first, allowed);
  }
  return search.result();
}

void expect_same(const BestToken& found, const BestToken& expected, const char* what) {
  EXPECT_EQ(found.non_finite, expected.non_finite) << what;
  EXPECT_EQ(found.first_non_finite, expected.first_non_finite) << what;
  EXPECT_EQ(found.token, expected.token) << what;
}

struct Row {
  const char* name;
  std::vector<float> logits;
};

/// Rows in which the best is hard to tell: by rounding, by saturation, by ties, by order.
std::vector<Row> hard_rows(int count, float cap) {
  std::mt19937 random(17);
  std::normal_distribution<float> normal(0, 1);
  const auto make = [&](auto&& value) {
    std::vector<float> logits(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) logits[static_cast<std::size_t>(i)] = value(i);
    return logits;
  };
  const auto ulps_above = [](float x, unsigned n) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) + n);
  };
  return {
      {"normal", make([&](int) { return 0.2F * cap * normal(random); })},
      {"wide", make([&](int) { return 3 * cap * normal(random); })},
      {"saturated", make([&](int) { return 1000 * cap * std::abs(normal(random)); })},
      {"all below", make([&](int) { return -1000 * cap * std::abs(normal(random)); })},
      {"near saturation", make([&](int) { return cap * (7 + normal(random)); })},
      {"neighbours",
       make([&](int) { return ulps_above(0.7F * cap, static_cast<unsigned>(random() % 64)); })},
      {"saturating neighbours",
       make([&](int) { return ulps_above(6.0F * cap, static_cast<unsigned>(random() % 999999)); })},
      {"ascending", make([&](int i) { return cap * 1e-3F * static_cast<float>(i); })},
      {"descending", make([&](int i) { return cap * -1e-3F * static_cast<float>(i); })},
      {"equal", make([&](int) { return 0.25F * cap; })},
      {"zeros of both signs", make([&](int) { return random() % 2 == 0 ? 0.0F : -0.0F; })},
      {"tiny", make([&](int) { return 1e-44F * static_cast<float>(random() % 5); })},
      {"infinite", make([&](int) { return random() % 3 == 0 ? kInfinity : -kInfinity; })},
      {"minus infinity", make([&](int) { return -kInfinity; })},
      {"some NaN", make([&](int) { return random() % 50 == 0 ? std::nanf("") : normal(random); })},
      {"all NaN", make([&](int) { return std::nanf(""); })},
  };
}

std::vector<std::uint64_t> random_mask(std::mt19937& random, int count, unsigned one_in) {
  std::vector<std::uint64_t> mask(static_cast<std::size_t>((count + 63) / 64));
  for (int i = 0; i < count; ++i) {
    if (random() % one_in == 0) mask[static_cast<std::size_t>(i / 64)] |= 1ULL << (i % 64);
  }
  mask[0] |= 1;
  return mask;
}

class BestSearchTest : public test::EachTable {};

TEST_P(BestSearchTest, FindsWhatCappingEverythingFindsInAnyOrder) {
  std::mt19937 random(1);
  for (const float cap : kCaps) {
    for (const int count : {1, 63, 1000}) {
      std::vector<int> order(static_cast<std::size_t>((count + kBlock - 1) / kBlock));
      std::iota(order.begin(), order.end(), 0);
      for (const Row& row : hard_rows(count, cap)) {
        for (int round = 0; round < 10; ++round) {
          const BestToken expected = plain_best(table(), row.logits, cap, {});
          expect_same(searched_best(table(), row.logits, cap, {}, order), expected, row.name);
          std::shuffle(order.begin(), order.end(), random);
        }
      }
    }
  }
}

TEST_P(BestSearchTest, RespectsAMask) {
  std::mt19937 random(2);
  constexpr int kCount = 1000;
  std::vector<int> order((kCount + kBlock - 1) / kBlock);
  std::iota(order.begin(), order.end(), 0);
  for (const Row& row : hard_rows(kCount, 30)) {
    for (const unsigned one_in : {1U, 2U, 20U, 2000U}) {
      const std::vector<std::uint64_t> mask = random_mask(random, kCount, one_in);
      std::shuffle(order.begin(), order.end(), random);
      expect_same(searched_best(table(), row.logits, 30, mask, order),
                  plain_best(table(), row.logits, 30, mask), row.name);
    }
  }
}

TEST_P(BestSearchTest, LeastRivalIsBelowAllThatTies) {
  // Just below the rival's bound nothing may reach the best, and what does reach it lies above.
  for (const float cap : {30.0F, 0.5F, 64.0F}) {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> uniform(-12, 12);
    for (int i = 0; i < 200000; ++i) {
      const float best = soft_cap(table(), cap * uniform(random), cap);
      const float least = least_rival(best, cap);
      if (least == -kInfinity) continue;  // nothing is said
      float below = std::nextafter(least, -kInfinity);
      for (int step = 0; step < 4; ++step) {
        ASSERT_LT(soft_cap(table(), below, cap), best) << cap << ' ' << best;
        below -= std::abs(below) * 1e-7F;
      }
    }
  }
}

TEST_P(BestSearchTest, LeastRivalDismissesNearlyAll) {
  // Where models live, the bound is a few thousandths of the cap below the best: what is dismissed
  // without being capped is nearly everything.
  for (const float share : {-1.0F, 0.0F, 0.3F, 1.0F, 2.0F}) {
    const float product = 30 * share;
    EXPECT_GT(least_rival(soft_cap(table(), product, 30), 30), product - 0.001F);
  }
}

GEMMA2_TEST_EACH_TABLE(BestSearchTest);

TEST(BestSearchThreads, ShareOneSearch) {
  const KernelTable& table = *test::tables().back();
  constexpr int kCount = 4096;
  constexpr int kThreads = 4;
  for (const Row& row : hard_rows(kCount, 30)) {
    const BestToken expected = plain_best(table, row.logits, 30, {});
    std::vector<float> logits = row.logits;
    BestSearch search(30);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int first = t * kBlock; first < kCount; first += kThreads * kBlock) {
          search.add(table, logits.data() + first, kBlock, first, {});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    expect_same(search.result(), expected, row.name);
  }
}

}  // namespace
}  // namespace gemma2
