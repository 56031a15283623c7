// SPDX-License-Identifier: Apache-2.0
#include "thread_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>

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
  if (workers_.empty() || count <= grain) return invoke(context, 0, count);
  count_ = count;
  grain_ = grain;
  context_ = context;
  invoke_ = invoke;
  next_.store(0, std::memory_order_relaxed);
  state_.store(kOpen, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  work();
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (std::uint32_t active = state_.load(std::memory_order_acquire); active != 0;
       active = state_.load(std::memory_order_acquire)) {
    wait_while_equal(state_, active);
  }
}

void ThreadPool::work() noexcept {
  const int share = 2 * num_threads();
  int first = next_.load(std::memory_order_relaxed);
  while (first < count_) {
    const int last = first + std::min(std::max(grain_, (count_ - first) / share), count_ - first);
    // On failure `first` is what another thread left.
    if (!next_.compare_exchange_weak(first, last, std::memory_order_relaxed)) continue;
    invoke_(context_, first, last);
    first = next_.load(std::memory_order_relaxed);
  }
}

bool ThreadPool::join() noexcept {
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  while ((state & kOpen) != 0) {
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::worker_main() noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    wait_while_equal(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    if (!join()) continue;
    work();
    if (state_.fetch_sub(1, std::memory_order_acq_rel) == 1) state_.notify_one();
  }
}

}  // namespace gemma2
