// SPDX-License-Identifier: Apache-2.0
//
// A fixed crew for short parallel loops: the caller takes part, idle threads spin for a moment and
// then sleep. Pieces are claimed from a counter, so which thread computes a piece varies; what a
// piece computes never does, and pieces never share a sum. A loop ends when its pieces are done: a
// thread that has not woken up by then is not waited for, which matters on a busy machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace gemma2 {

class ThreadPool {
 public:
  /// `num_threads` >= 1 counts the caller.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int num_threads() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(first, last) on disjoint ranges that cover [0, count) and returns when all are
  /// done. Ranges begin long, so that a thread streams, and shrink to `grain`, so that all end
  /// together even if one was held up. One caller at a time; `body` must not throw.
  template <typename Body>
  void parallel_for(int count, int grain, const Body& body) {
    run(count, grain, &body, [](const void* context, int first, int last) {
      (*static_cast<const Body*>(context))(first, last);
    });
  }

 private:
  using Invoke = void (*)(const void* context, int first, int last);

  void run(int count, int grain, const void* context, Invoke invoke);
  void work() noexcept;  // claims pieces of the current loop until none is left
  bool join() noexcept;  // takes part in the current loop; false if there is none
  void worker_main() noexcept;

  // The current loop; written while state_ is 0, read by threads that have joined.
  int count_ = 0;
  int grain_ = 1;
  const void* context_ = nullptr;
  Invoke invoke_ = nullptr;

  static constexpr std::uint32_t kOpen = 1U << 31;
  alignas(64) std::atomic<std::uint32_t> generation_{0};  // loops so far: what idle threads watch
  alignas(64) std::atomic<std::uint32_t> state_{0};       // kOpen: may be joined; + threads inside
  alignas(64) std::atomic<int> next_{0};
  alignas(64) std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace gemma2
