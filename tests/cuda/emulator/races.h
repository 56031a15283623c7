// SPDX-License-Identifier: Apache-2.0
//
// Races in a block's shared memory: two accesses to the same bytes by different threads, one of
// them a write, that no barrier orders. Each thread counts its own time and knows of every other
// thread up to which time it has happened before (vector clocks, Lamport and Mattern); what a word
// of shared memory saw last is kept beside it. Internal to the emulator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gemma2::emulator {

struct Thread;

/// What a thread hands on to those who come after it.
struct Release {
  std::vector<std::int32_t> times;  // by thread; empty: nothing
  bool waited = false;              // for earlier kernels
};

class Races {
 public:
  Races(std::size_t threads, std::size_t shared_bytes);

  void start_block();
  void meet_all();
  void read(const Thread& by, std::size_t offset, std::size_t bytes);
  /// `copied`: by the copy engine, on behalf of the thread.
  void write(const Thread& by, std::size_t offset, std::size_t bytes, bool copied = false);
  /// What ordinary stores wrote there must have been fenced for tensor cores and the copy engine.
  void require_fence(std::size_t offset, std::size_t bytes, const char* reader) const;
  void fence(const Thread& by);

  /// All threads of `met` come after each other.
  void meet(const std::vector<Thread*>& met);
  void release(Thread& by, Release& to);
  void acquire(Thread& by, const Release& from);
  static void merge(Release& to, const Release& from);

 private:
  struct Access {
    std::int32_t epoch = 0;  // 0: there was none
    std::int32_t time = 0;
    std::uint16_t thread = 0;
    std::uint8_t bytes = 0;   // of the word, as a mask
    std::uint8_t fences = 0;  // of the thread, until then
    bool copied = false;
  };
  struct Word {
    Access write;
    std::array<Access, 2> reads;  // the last one, and the last one of another warp
  };
  struct Part {
    std::size_t word;
    std::uint8_t bytes;
  };

  [[nodiscard]] bool ordered(const Access& earlier, const Thread& by, std::uint8_t bytes) const;
  [[nodiscard]] Access access(const Thread& by, std::uint8_t bytes) const;
  [[noreturn]] void report(const Thread& by, const char* does, const Access& earlier,
                           const char* did, std::size_t word) const;
  [[nodiscard]] std::vector<std::int32_t>& clock(const Thread& of);
  [[nodiscard]] const std::vector<std::int32_t>& clock(const Thread& of) const;

  std::int32_t epoch_ = 0;        // counts meetings of the whole block
  std::int32_t first_epoch_ = 0;  // of the running block
  std::vector<std::vector<std::int32_t>> clocks_;
  std::vector<std::uint8_t> fences_;
  std::vector<Word> words_;
};

/// Whether kernels were compiled so that their accesses can be checked: see access.cc.
bool accesses_are_checked();

}  // namespace gemma2::emulator
