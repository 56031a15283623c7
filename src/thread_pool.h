// SPDX-License-Identifier: Apache-2.0
//
// A fixed crew that runs a sequence of short parallel loops, the phases of a step, in one region:
// the caller takes part, and between phases threads spin on a counter instead of going home.
//
// Each thread has its own range of a phase's pieces, the same every time, and takes it from the
// front in shrinking runs; who has finished takes from the back of the others' ranges. So a thread
// streams, it can ask for the first bytes of its next range before the phase before it is over, and
// nobody waits for a thread that was held up or has not woken yet: a phase ends when its pieces are
// done. Which thread computes a piece varies; what a piece computes never does, and pieces never
// share a sum.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace gemma2 {

/// One parallel loop.
struct Phase {
  int count = 0;  // pieces
  int grain = 1;  // the least that is taken at a time
  /// Computes pieces [first, last). `thread`: 0 .. num_threads - 1, the caller is 0. Must not
  /// throw.
  std::function<void(int first, int last, int thread)> body = {};
  /// Called with the range that the thread will begin with, while it waits for the phase before;
  /// wanted() turns false once there is better to do. May be empty.
  std::function<void(int first, int last, const std::function<bool()>& wanted)> prefetch = {};
};

class ThreadPool {
 public:
  /// `num_threads` >= 1 counts the caller.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int num_threads() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Runs the phases one after another; returns when the last is done. One caller at a time.
  void run(std::span<const Phase> phases);

  /// A single phase: calls body(first, last) on disjoint ranges that cover [0, count).
  template <typename Body>
  void parallel_for(int count, int grain, const Body& body) {
    if (count <= 0) return;
    if (workers_.empty() || count <= grain) return body(0, count);
    const Phase phase{count, grain, [&body](int first, int last, int) { body(first, last); }};
    run(std::span(&phase, 1));
  }

 private:
  /// What is left of one thread's range of one phase: its end in the upper half, its first piece in
  /// the lower.
  using Range = std::atomic<std::uint64_t>;
  struct alignas(64) Progress {
    std::atomic<int> done{0};  // pieces
  };

  void open(std::span<const Phase> phases);
  void work(int thread) noexcept;
  void work_on(std::size_t phase, int thread) noexcept;
  int take_from(std::size_t phase, int owner, int thread) noexcept;
  void await(std::size_t phase, int thread) noexcept;
  bool join() noexcept;  // takes part in the current region; false if there is none
  void worker_main(int thread) noexcept;

  [[nodiscard]] Range& range(std::size_t phase, int thread) noexcept {
    return ranges_[phase * static_cast<std::size_t>(num_threads()) +
                   static_cast<std::size_t>(thread)];
  }

  // The current region; written while state_ is 0, read by threads that have joined.
  std::span<const Phase> phases_;
  std::unique_ptr<Range[]> ranges_;  // [phases][threads]
  std::unique_ptr<Progress[]> progress_;
  std::size_t capacity_ = 0;  // phases

  static constexpr std::uint32_t kOpen = 1U << 31;
  alignas(64) std::atomic<std::uint32_t> generation_{0};  // regions so far: what idle threads watch
  alignas(64) std::atomic<std::uint32_t> state_{0};       // kOpen: may be joined; + threads inside
  alignas(64) std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace gemma2
