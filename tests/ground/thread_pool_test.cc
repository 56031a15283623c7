// SPDX-License-Identifier: Apache-2.0
#include "thread_pool.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "topology.h"

namespace gemma2 {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, CoversEachIndexOnce) {
  ThreadPool pool(GetParam());
  for (const int count : {0, 1, 2, 7, 64, 1000}) {
    for (const int grain : {1, 3, 64, 5000}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      pool.parallel_for(count, grain, [&](int first, int last) {
        ASSERT_LT(first, last);
        for (int i = first; i < last; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visit : visits) ASSERT_EQ(visit, 1) << count << " by " << grain;
    }
  }
}

TEST_P(ThreadPoolTest, WritesOfALoopAreSeenByTheNext) {
  ThreadPool pool(GetParam());
  std::vector<int> values(257, 0);
  for (int round = 0; round < 2000; ++round) {
    pool.parallel_for(257, 1, [&](int first, int last) {
      for (int i = first; i < last; ++i) ++values[static_cast<std::size_t>(i)];
    });
  }
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), 257 * 2000);
}

TEST_P(ThreadPoolTest, WakesSleepingWorkers) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than a worker spins
    std::atomic<int> sum = 0;
    pool.parallel_for(100, 1, [&](int first, int last) { sum += last - first; });
    EXPECT_EQ(sum, 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 5, 16));

TEST(ThreadPool, CountsTheCaller) {
  EXPECT_EQ(ThreadPool(1).num_threads(), 1);
  EXPECT_EQ(ThreadPool(4).num_threads(), 4);
}

TEST(Topology, FindsAtLeastOneCore) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace gemma2
