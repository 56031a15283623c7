// SPDX-License-Identifier: Apache-2.0
#include "thread_pool.h"

#include <atomic>
#include <chrono>
#include <functional>
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

TEST_P(ThreadPoolTest, PhasesRunInTheirOrder) {
  ThreadPool pool(GetParam());
  constexpr int kCount = 97;
  std::vector<int> values(kCount, 1);
  std::vector<Phase> phases;
  // Each phase reads its neighbours' results of the phase before; any overlap would show.
  std::vector<std::vector<int>> results(30, values);
  for (std::size_t p = 1; p < results.size(); ++p) {
    phases.push_back({kCount, static_cast<int>(p % 5) + 1, [&results, p](int first, int last, int) {
                        const std::vector<int>& before = results[p - 1];
                        for (int i = first; i < last; ++i) {
                          const auto left = static_cast<std::size_t>((i + kCount - 1) % kCount);
                          const auto right = static_cast<std::size_t>((i + 1) % kCount);
                          results[p][static_cast<std::size_t>(i)] = before[left] + before[right];
                        }
                      }});
    if (p % 7 == 0) phases.push_back({0, 1, [](int, int, int) { FAIL() << "no pieces"; }});
  }
  for (int round = 0; round < 50; ++round) {
    for (std::size_t p = 1; p < results.size(); ++p) results[p].assign(kCount, 0);
    pool.run(phases);
    for (std::size_t p = 0; p < results.size(); ++p) {
      for (const int value : results[p]) ASSERT_EQ(value, 1 << p) << "phase " << p;
    }
  }
}

TEST_P(ThreadPoolTest, APhaseGoesOnWithoutAThreadThatIsHeldUp) {
  const int threads = GetParam();
  ThreadPool pool(threads);
  // Whoever has piece 0 holds on to it until the others have done all the rest.
  constexpr int kCount = 64;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done = 0;
    pool.parallel_for(kCount, 1, [&](int first, int last) {
      done += last - first;
      while (threads > 1 && first == 0 && done < kCount) std::this_thread::yield();
    });
    ASSERT_EQ(done, kCount);
  }
}

TEST_P(ThreadPoolTest, ThreadsAreNumberedAndPrefetchKnowsTheirRange) {
  const int threads = GetParam();
  ThreadPool pool(threads);
  std::atomic<int> out_of_range = 0;
  const auto check = [&](int first, int last) {
    if (first < 0 || last > 40 || first >= last) ++out_of_range;
  };
  std::vector<Phase> phases(20,
                            Phase{40, 4,
                                  [&](int first, int last, int thread) {
                                    check(first, last);
                                    if (thread < 0 || thread >= threads) ++out_of_range;
                                  },
                                  [&](int first, int last, const std::function<bool()>& wanted) {
                                    check(first, last);
                                    if (first % 4 != 0)
                                      ++out_of_range;  // ranges begin at multiples of the grain
                                    static_cast<void>(wanted());
                                  }});
  for (int round = 0; round < 100; ++round) pool.run(phases);
  EXPECT_EQ(out_of_range, 0);
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
