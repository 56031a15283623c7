// SPDX-License-Identifier: Apache-2.0
//
// A fixed crew for short parallel loops: the caller takes part, idle threads spin for a moment and
// then sleep. Pieces are claimed from a counter, so which thread computes a piece varies; what a
// piece computes never does, and pieces never share a sum.
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

  /// Calls body(first, last) on disjoint ranges that cover [0, count), each at most `grain` long,
  /// and returns when all are done. One caller at a time; `body` must not throw.
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
  void worker_main() noexcept;

  // The current loop; written by the caller before generation_ is advanced.
  int count_ = 0;
  int grain_ = 1;
  const void* context_ = nullptr;
  Invoke invoke_ = nullptr;

  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<int> next_{0};
  alignas(64) std::atomic<int> busy_{0};
  alignas(64) std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace gemma2
