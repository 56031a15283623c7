// SPDX-License-Identifier: Apache-2.0
//
// Copies that arrive as late as they may, and barriers in shared memory. Until a copy has arrived
// its destination is garbage.
#include <algorithm>
#include <cstring>

#include "accesses.h"
#include "block.h"
#include "emulator.h"
#include "host.h"

namespace gemma2::emulator {
namespace {

constexpr std::uint64_t kBarrierMark = 0xBA221E2BA221E2BAU;

bool aligned(const void* pointer, std::size_t to) {
  return reinterpret_cast<std::uintptr_t>(pointer) % to == 0;
}

void require_copy(const void* to, const void* from, std::size_t bytes, const char* what) {
  block().shared_offset(to, bytes, what);
  if (!aligned(to, 16) || !aligned(from, 16)) {
    fail_in_kernel(std::string(what) + ": expected addresses that are multiples of 16");
  }
  check_global(from, bytes, false);
}

MemoryBarrier* find(Block& of, std::uint32_t offset) {
  for (auto& [place, barrier] : of.barriers) {
    if (place == offset) return &barrier;
  }
  return nullptr;
}

MemoryBarrier& barrier_at(const std::uint64_t* pointer, const char* what) {
  const std::uint32_t offset = block().shared_offset(pointer, sizeof *pointer, what);
  MemoryBarrier* barrier = find(block(), offset);
  if (barrier == nullptr || *pointer != kBarrierMark) {
    fail_in_kernel(std::string(what) + ": there is no barrier at shared offset " +
                   std::to_string(offset) + (barrier != nullptr ? " any more" : ""));
  }
  return *barrier;
}

void end_phase_if_complete(Block& of, MemoryBarrier& barrier) {
  if (barrier.missing != 0 || barrier.bytes != 0) return;
  ++barrier.phase;
  barrier.missing = barrier.arrivals;
  barrier.published = barrier.gathered;
  for (Thread* waiting : barrier.waiting) of.wake(waiting);
  barrier.waiting.clear();
}

}  // namespace

void begin_copy_16(void* to, const void* from) {
  const InEmulator in_emulator;
  require_copy(to, from, 16, "copy_16_begin");
  block().races.write(thread(), block().shared_offset(to, 16, "copy_16_begin"), 16);
  if (settings().major < 8) {  // has ordinary copies only
    std::memcpy(to, from, 16);
    return;
  }
  thread().copies.push_back({static_cast<std::byte*>(to), static_cast<const std::byte*>(from)});
  std::memset(to, static_cast<int>(kGarbage), 16);
}

void end_copy_group() {
  const InEmulator in_emulator;
  Thread& own = thread();
  std::size_t closed = 0;
  for (const std::size_t count : own.copy_groups) closed += count;
  own.copy_groups.push_back(own.copies.size() - closed);
}

void finish_copies(Thread& of, std::size_t count) {
  const auto end = of.copies.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto copy = of.copies.begin(); copy != end; ++copy) {
    block().races.write(of, static_cast<std::size_t>(copy->to - block().shared()), 16);
    std::memcpy(copy->to, copy->from, 16);
  }
  of.copies.erase(of.copies.begin(), end);
}

void wait_copy_groups(int pending) {
  const InEmulator in_emulator;
  Thread& own = thread();
  while (own.copy_groups.size() > static_cast<std::size_t>(pending)) {
    finish_copies(own, own.copy_groups.front());
    own.copy_groups.erase(own.copy_groups.begin());
  }
}

void create_barrier(std::uint64_t* barrier, unsigned arrivals) {
  const InEmulator in_emulator;
  require_hopper("barrier_create");
  const std::uint32_t offset = block().shared_offset(barrier, sizeof *barrier, "barrier_create");
  if (!aligned(barrier, sizeof *barrier) || arrivals == 0 || arrivals >= (1U << 20)) {
    fail_in_kernel("barrier_create: expected an aligned address and 1 to 1048575 arrivals, found " +
                   std::to_string(arrivals));
  }
  MemoryBarrier* old = find(block(), offset);
  if (old != nullptr) fail_in_kernel("barrier_create: there is a barrier already");
  *barrier = kBarrierMark;
  MemoryBarrier fresh;
  fresh.arrivals = arrivals;
  fresh.missing = arrivals;
  block().barriers.emplace_back(offset, std::move(fresh));
}

void arrive_at_barrier(std::uint64_t* barrier, unsigned expected_bytes) {
  const InEmulator in_emulator;
  MemoryBarrier& own = barrier_at(barrier, "barrier_arrive");
  if (own.missing == 0)
    fail_in_kernel("barrier_arrive: more arrivals than the barrier was made for");
  own.bytes += static_cast<long>(expected_bytes);
  --own.missing;
  block().races.release(thread(), own.gathered);
  end_phase_if_complete(block(), own);
}

void wait_at_barrier(std::uint64_t* barrier, unsigned parity) {
  const InEmulator in_emulator;
  if (parity > 1) fail_in_kernel("barrier_wait: expected a parity of 0 or 1");
  while ((barrier_at(barrier, "barrier_wait").phase & 1U) == parity) {
    barrier_at(barrier, "barrier_wait").waiting.push_back(&thread());
    block().wait("barrier_wait");
  }
  block().races.acquire(thread(), barrier_at(barrier, "barrier_wait").published);
}

void begin_block_copy(void* to, const void* from, unsigned bytes, std::uint64_t* barrier) {
  const InEmulator in_emulator;
  require_hopper("copy_block_begin");
  barrier_at(barrier, "copy_block_begin");
  if (bytes == 0 || bytes % 16 != 0) {
    fail_in_kernel("copy_block_begin: expected a multiple of 16 bytes, found " +
                   std::to_string(bytes));
  }
  require_copy(to, from, bytes, "copy_block_begin");
  const std::uint32_t start = block().shared_offset(to, bytes, "copy_block_begin");
  block().races.require_fence(start, bytes, "copy_block_begin");
  block().races.write(thread(), start, bytes, true);
  std::memset(to, static_cast<int>(kGarbage), bytes);
  const std::uint32_t offset = block().shared_offset(barrier, sizeof *barrier, "copy_block_begin");
  BlockCopy copy{
      static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes, offset, {}};
  block().races.release(thread(), copy.release);
  block().block_copies.push_back(std::move(copy));
}

bool finish_block_copy(Block& of) {
  if (of.block_copies.empty()) return false;
  const BlockCopy copy = of.block_copies.front();
  of.block_copies.erase(of.block_copies.begin());
  std::memcpy(copy.to, copy.from, copy.bytes);
  MemoryBarrier& barrier = *find(of, copy.barrier);
  barrier.bytes -= static_cast<long>(copy.bytes);
  Races::merge(barrier.gathered, copy.release);
  end_phase_if_complete(of, barrier);
  return true;
}

void require_hopper(const char* what) {
  const InEmulator in_emulator;
  if (settings().major != 9 || settings().minor != 0) {
    fail_in_kernel(std::string(what) + ": only cards of compute capability 9.0 have it");
  }
}

void earlier_kernels_waited_for() {
  const InEmulator in_emulator;
  block().waited_for_earlier = true;
  thread().waited = true;
}

unsigned add_to(unsigned* counter, unsigned by) {
  const InEmulator in_emulator;
  check_global(counter, sizeof *counter, true);
  const unsigned old = *counter;
  *counter += by;
  return old;
}

void raise(unsigned long long* value, unsigned long long to) {
  const InEmulator in_emulator;
  check_global(value, sizeof *value, true);
  *value = std::max(*value, to);
}

}  // namespace gemma2::emulator
