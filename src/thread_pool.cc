// SPDX-License-Identifier: Apache-2.0
#include "thread_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>

namespace gemma2 {
namespace {

// Long enough to bridge the serial work between two steps of a generation, short enough that an
// idle program burns nothing: a futex wake costs 10 to 50 microseconds on a virtual machine.
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

struct Pieces {
  int first;
  int last;
};

constexpr std::uint64_t pack(Pieces pieces) noexcept {
  return static_cast<std::uint64_t>(pieces.last) << 32 | static_cast<std::uint32_t>(pieces.first);
}
constexpr Pieces unpack(std::uint64_t packed) noexcept {
  return {static_cast<int>(packed & 0xFFFFFFFFU), static_cast<int>(packed >> 32)};
}

/// The range that `thread` begins with. Whole multiples of the grain, so that pieces that belong
/// together stay together.
Pieces own_pieces(const Phase& phase, int thread, int num_threads) noexcept {
  const std::int64_t grains = (phase.count + phase.grain - 1) / phase.grain;
  const auto border = [&](std::int64_t t) {
    const std::int64_t at = grains * t / num_threads * phase.grain;
    return static_cast<int>(std::min<std::int64_t>(at, phase.count));
  };
  return {border(thread), border(thread + 1)};
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  workers_.reserve(static_cast<std::size_t>(std::max(0, num_threads - 1)));
  try {
    for (int i = 1; i < num_threads; ++i) workers_.emplace_back([this, i] { worker_main(i); });
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

void ThreadPool::run(std::span<const Phase> phases) {
  if (workers_.empty()) {
    for (const Phase& phase : phases) {
      if (phase.count > 0) phase.body(0, phase.count, 0);
    }
    return;
  }
  open(phases);
  work(0);
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (std::uint32_t active = state_.load(std::memory_order_acquire); active != 0;
       active = state_.load(std::memory_order_acquire)) {
    wait_while_equal(state_, active);
  }
}

void ThreadPool::open(std::span<const Phase> phases) {
  const auto threads = static_cast<std::size_t>(num_threads());
  if (phases.size() > capacity_) {
    ranges_ = std::make_unique<Range[]>(phases.size() * threads);
    progress_ = std::make_unique<Progress[]>(phases.size());
    capacity_ = phases.size();
  }
  phases_ = phases;
  for (std::size_t p = 0; p < phases.size(); ++p) {
    progress_[p].done.store(0, std::memory_order_relaxed);
    for (int t = 0; t < num_threads(); ++t) {
      range(p, t).store(pack(own_pieces(phases[p], t, num_threads())), std::memory_order_relaxed);
    }
  }
  state_.store(kOpen, std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
}

void ThreadPool::work(int thread) noexcept {
  for (std::size_t p = 0; p < phases_.size(); ++p) {
    work_on(p, thread);
    await(p, thread);
  }
}

void ThreadPool::work_on(std::size_t phase, int thread) noexcept {
  int finished = take_from(phase, thread, thread);
  for (int i = 1; i < num_threads(); ++i) {
    finished += take_from(phase, (thread + i) % num_threads(), thread);
  }
  if (finished == 0) return;
  std::atomic<int>& done = progress_[phase].done;
  if (done.fetch_add(finished, std::memory_order_acq_rel) + finished == phases_[phase].count) {
    done.notify_all();
  }
}

/// Takes pieces of `owner`'s range until it is empty; returns how many. The owner takes half of
/// what is left each time, from the front; others take half of the rest from the back.
int ThreadPool::take_from(std::size_t phase, int owner, int thread) noexcept {
  const Phase& loop = phases_[phase];
  Range& left = range(phase, owner);
  int finished = 0;
  std::uint64_t seen = left.load(std::memory_order_relaxed);
  for (Pieces all = unpack(seen); all.first < all.last; all = unpack(seen)) {
    const int half = (all.last - all.first + 1) / 2;
    const int size =
        std::min((half + loop.grain - 1) / loop.grain * loop.grain, all.last - all.first);
    const bool front = owner == thread;
    const Pieces mine =
        front ? Pieces{all.first, all.first + size} : Pieces{all.last - size, all.last};
    const Pieces rest = front ? Pieces{mine.last, all.last} : Pieces{all.first, mine.first};
    // On failure `seen` is what another thread left.
    if (!left.compare_exchange_weak(seen, pack(rest), std::memory_order_relaxed)) continue;
    loop.body(mine.first, mine.last, thread);
    finished += size;
    seen = left.load(std::memory_order_relaxed);
  }
  return finished;
}

/// Waits for the end of a phase, and uses the time to ask for the first bytes of the next.
void ThreadPool::await(std::size_t phase, int thread) noexcept {
  const std::atomic<int>& done = progress_[phase].done;
  const int count = phases_[phase].count;
  const auto unfinished = [&] { return done.load(std::memory_order_relaxed) != count; };
  if (phase + 1 < phases_.size() && phases_[phase + 1].prefetch && unfinished()) {
    const Phase& next = phases_[phase + 1];
    const Pieces mine = own_pieces(next, thread, num_threads());
    if (mine.first < mine.last) next.prefetch(mine.first, mine.last, unfinished);
  }
  for (int seen = done.load(std::memory_order_acquire); seen != count;
       seen = done.load(std::memory_order_acquire)) {
    wait_while_equal(done, seen);
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

void ThreadPool::worker_main(int thread) noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    wait_while_equal(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    if (!join()) continue;
    work(thread);
    if (state_.fetch_sub(1, std::memory_order_acq_rel) == 1) state_.notify_one();
  }
}

}  // namespace gemma2
