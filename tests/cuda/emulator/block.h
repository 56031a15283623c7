// SPDX-License-Identifier: Apache-2.0
//
// A running block: its threads as fibers, who waits for whom, and its shared memory. Internal to
// the emulator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cuda_runtime.h"
#include "device.h"
#include "emulator.h"
#include "races.h"

namespace gemma2::emulator {

inline constexpr int kWarpThreads = 32;
inline constexpr int kGroupThreads = 128;
inline constexpr int kMostThreads = 1024;
inline constexpr int kNamedBarriers = 16;
inline constexpr std::size_t kStackBytes = std::size_t{64} * 1024;
/// The card keeps the first part of the window to itself.
inline constexpr std::uint32_t kSharedWindow = 1024;
inline constexpr std::byte kGarbage{0xCB};

struct Copy16 {
  std::byte* to;
  const std::byte* from;
};

struct Thread {
  void* context = nullptr;
  const std::byte* stack = nullptr;  // its lower end
  int number = 0;
  uint3 index{};
  bool ended = false;
  const char* waits_at = nullptr;
  std::vector<Copy16> copies;            // begun and not yet arrived, oldest first
  std::vector<std::size_t> copy_groups;  // how many of them are in each closed group
  bool in_emulator = true;               // its accesses are not the kernel's
  bool waited = false;                   // for earlier kernels, or after a thread that did

  [[nodiscard]] int lane() const { return number % kWarpThreads; }
};

/// Threads that wait for each other.
struct Meeting {
  const char* what = nullptr;
  Action action = nullptr;
  int expected = 0;
  std::vector<Thread*> arrived;
  std::array<void*, kGroupThreads> arguments{};
};

/// A barrier in shared memory; the memory itself holds kBarrierMark.
struct MemoryBarrier {
  unsigned arrivals = 0;
  unsigned missing = 0;
  long bytes = 0;  // announced and not yet arrived; negative: the other way round
  unsigned phase = 0;
  std::vector<Thread*> waiting;
  Release gathered;   // from all who arrived
  Release published;  // at the end of a phase
};

struct BlockCopy {
  std::byte* to;
  const std::byte* from;
  std::size_t bytes;
  std::uint32_t barrier;
  Release release;  // of the thread that began it
};

struct GroupProducts;  // group_products.cc

class Block {
 public:
  Block(const cudaLaunchConfig_t& config, const Kernel& kernel, bool starts_early);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  /// False: a fault was recorded.
  bool run(uint3 index);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Kernel& kernel() const { return kernel_; }
  [[nodiscard]] bool starts_early() const { return starts_early_; }

  // For the running thread.
  void wait(const char* what);
  void wake(Thread* thread);
  [[noreturn]] void abandon();

  // Shared memory.
  [[nodiscard]] std::byte* shared() const { return shared_; }
  [[nodiscard]] std::size_t shared_bytes() const { return shared_bytes_; }
  /// As an offset; fails if not all of it is shared memory.
  std::uint32_t shared_offset(const void* pointer, std::size_t bytes, const char* what) const;

  std::vector<Thread> threads;
  std::vector<Meeting> warps;
  std::vector<Meeting> groups;
  std::array<Meeting, kNamedBarriers> named;  // 0: the whole block
  std::vector<std::pair<std::uint32_t, MemoryBarrier>> barriers;
  std::vector<BlockCopy> block_copies;                   // oldest first
  std::vector<std::unique_ptr<GroupProducts>> products;  // of each group
  bool waited_for_earlier = false;
  Races races;

 private:
  struct Fiber;
  void prepare(uint3 index);
  void enter(Thread* thread);
  Thread* next();
  void report_deadlock();
  bool check_end();

  const Kernel& kernel_;
  std::string name_;
  bool starts_early_;
  std::size_t shared_bytes_;
  std::unique_ptr<std::byte[]> shared_memory_;
  std::byte* shared_ = nullptr;
  uint3 index_{};
  std::vector<Thread*> ready_;  // a ring
  std::size_t first_ready_ = 0;
  Order order_;
  std::mt19937 random_;
  Thread host_;
  int live_ = 0;
  bool failed_ = false;
};

extern constinit thread_local Block* running_block;
extern constinit thread_local Thread* running_thread;

inline Block& block() {
  return *running_block;
}
inline Thread& thread() {
  return *running_thread;
}

/// In scope while the running thread is in the emulator's code. Of templates there may be but one
/// instance in a program, and that one may be compiled with checks.
class InEmulator {
 public:
  InEmulator() : own_(thread()), before_(own_.in_emulator) { own_.in_emulator = true; }
  ~InEmulator() { own_.in_emulator = before_; }
  InEmulator(const InEmulator&) = delete;
  InEmulator& operator=(const InEmulator&) = delete;

 private:
  Thread& own_;
  bool before_;
};

/// The oldest copy of a block arrives. False: there is none.
bool finish_block_copy(Block& of);
void finish_copies(Thread& of, std::size_t count);

void record_fault(const std::string& what);

}  // namespace gemma2::emulator
