// SPDX-License-Identifier: Apache-2.0
#include "thread_pool.h"

#include <algorithm>
#include <chrono>

#include "check.h"

namespace gemma2 {
namespace {

// Long enough to bridge the serial work between two loops of a token, short enough that an idle
// program burns nothing: a futex wake costs 10 to 50 microseconds on a virtual machine.
constexpr auto kSpinTime = std::chrono::microseconds(200);

inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Waits until `value` is no longer `old`: first spinning, then asleep.
template <typename T>
void wait_while_equal(const std::atomic<T>& value, T old) noexcept {
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  for (int spins = 0; value.load(std::memory_order_acquire) == old; ++spins) {
    if (spins % 64 == 63 && std::chrono::steady_clock::now() > deadline) {
      value.wait(old, std::memory_order_acquire);
      return;
    }
    pause();
  }
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  workers_.reserve(static_cast<std::size_t>(std::max(0, num_threads - 1)));
  try {
    for (int i = 1; i < num_threads; ++i) workers_.emplace_back([this] { worker_main(); });
  } catch (const std::system_error&) {
    // Fewer threads than asked for give the same results, only later. With none at all, so be it.
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int count, int grain, const void* context, Invoke invoke) {
  if (count <= 0) return;
  if (workers_.empty() || count <= grain) {
    for (int first = 0; first < count; first += grain) {
      invoke(context, first, std::min(first + grain, count));
    }
    return;
  }
  count_ = count;
  grain_ = grain;
  context_ = context;
  invoke_ = invoke;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  work();
  for (int left = busy_.load(std::memory_order_acquire); left != 0;
       left = busy_.load(std::memory_order_acquire)) {
    wait_while_equal(busy_, left);
  }
}

void ThreadPool::work() noexcept {
  for (;;) {
    const int first = next_.fetch_add(grain_, std::memory_order_relaxed);
    if (first >= count_) return;
    invoke_(context_, first, std::min(first + grain_, count_));
  }
}

void ThreadPool::worker_main() noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    wait_while_equal(generation_, seen);
    ++seen;  // every loop waits for every worker, so no generation can be missed
    if (stop_.load(std::memory_order_relaxed)) return;
    work();
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

}  // namespace gemma2
