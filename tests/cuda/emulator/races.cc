// SPDX-License-Identifier: Apache-2.0
#include "races.h"

#include <algorithm>
#include <string>

#include "block.h"

namespace gemma2::emulator {
namespace {

constexpr std::size_t kWordBytes = 4;

/// Calls use(word, mask of its bytes) for the words of a range.
template <typename Use>
void for_each_word(std::size_t offset, std::size_t bytes, Use use) {
  const std::size_t end = offset + bytes;
  while (offset < end) {
    const std::size_t first = offset % kWordBytes;
    const std::size_t count = std::min(kWordBytes - first, end - offset);
    use(offset / kWordBytes, static_cast<std::uint8_t>(((1U << count) - 1) << first));
    offset += count;
  }
}

}  // namespace

Races::Races(std::size_t threads, std::size_t shared_bytes) {
  if (!accesses_are_checked()) return;
  clocks_.assign(threads, std::vector<std::int32_t>(threads));
  fences_.resize(threads);
  words_.resize((shared_bytes + kWordBytes - 1) / kWordBytes);
}

std::vector<std::int32_t>& Races::clock(const Thread& of) {
  return clocks_[static_cast<std::size_t>(of.number)];
}
const std::vector<std::int32_t>& Races::clock(const Thread& of) const {
  return clocks_[static_cast<std::size_t>(of.number)];
}

/// A block begins as if all threads of the one before it had met.
void Races::start_block() {
  meet_all();
  first_epoch_ = epoch_;
}

void Races::meet_all() {
  ++epoch_;
  for (std::size_t i = 0; i < clocks_.size(); ++i) ++clocks_[i][i];
}

bool Races::ordered(const Access& earlier, const Thread& by, std::uint8_t bytes) const {
  return earlier.epoch < epoch_ || (earlier.bytes & bytes) == 0 || earlier.thread == by.number ||
         earlier.time <= clock(by)[earlier.thread];
}

Races::Access Races::access(const Thread& by, std::uint8_t bytes) const {
  const auto number = static_cast<std::size_t>(by.number);
  return {epoch_, clocks_[number][number], static_cast<std::uint16_t>(number),
          bytes,  fences_[number],         false};
}

void Races::read(const Thread& by, std::size_t offset, std::size_t bytes) {
  if (words_.empty()) return;
  for_each_word(offset, bytes, [&](std::size_t word, std::uint8_t mask) {
    Word& at = words_[word];
    if (!ordered(at.write, by, mask)) report(by, "reads", at.write, "wrote", word);
    const Access now = access(by, mask);
    const bool same_warp = at.reads[0].thread / kWarpThreads == now.thread / kWarpThreads;
    if (at.reads[0].epoch == epoch_ && !same_warp) at.reads[1] = at.reads[0];
    at.reads[0] = now;
  });
}

void Races::write(const Thread& by, std::size_t offset, std::size_t bytes, bool copied) {
  if (words_.empty()) return;
  for_each_word(offset, bytes, [&](std::size_t word, std::uint8_t mask) {
    Word& at = words_[word];
    if (!ordered(at.write, by, mask)) report(by, "writes", at.write, "wrote", word);
    for (const Access& read : at.reads) {
      if (!ordered(read, by, mask)) report(by, "writes", read, "read", word);
    }
    at.write = access(by, mask);
    at.write.copied = copied;
  });
}

void Races::require_fence(std::size_t offset, std::size_t bytes, const char* reader) const {
  if (words_.empty()) return;
  for_each_word(offset, bytes, [&](std::size_t word, std::uint8_t mask) {
    const Access& write = words_[word].write;
    if (write.epoch < first_epoch_ || (write.bytes & mask) == 0) return;
    if (write.copied || fences_[write.thread] != write.fences) return;
    fail_in_kernel(std::string(reader) + ": shared offset " + std::to_string(word * kWordBytes) +
                   " was written by thread " + std::to_string(write.thread) +
                   ", which did not call fence_for_tensor_cores since");
  });
}

void Races::fence(const Thread& by) {
  if (!fences_.empty()) ++fences_[static_cast<std::size_t>(by.number)];
}

void Races::meet(const std::vector<Thread*>& met) {
  const bool waited =
      std::any_of(met.begin(), met.end(), [](const Thread* t) { return t->waited; });
  for (Thread* thread : met) thread->waited = waited;
  if (clocks_.empty()) return;
  if (met.size() == clocks_.size()) {
    meet_all();
    return;
  }
  std::vector<std::int32_t> latest(clocks_.size());
  for (const Thread* thread : met) {
    const auto& own = clock(*thread);
    for (std::size_t i = 0; i < latest.size(); ++i) latest[i] = std::max(latest[i], own[i]);
  }
  for (const Thread* thread : met) {
    clock(*thread) = latest;
    ++clock(*thread)[static_cast<std::size_t>(thread->number)];
  }
}

void Races::merge(Release& to, const Release& from) {
  to.waited = to.waited || from.waited;
  to.times.resize(std::max(to.times.size(), from.times.size()));
  for (std::size_t i = 0; i < from.times.size(); ++i) {
    to.times[i] = std::max(to.times[i], from.times[i]);
  }
}

void Races::release(Thread& by, Release& to) {
  to.waited = to.waited || by.waited;
  if (clocks_.empty()) return;
  auto& own = clock(by);
  to.times.resize(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) to.times[i] = std::max(to.times[i], own[i]);
  ++own[static_cast<std::size_t>(by.number)];
}

void Races::acquire(Thread& by, const Release& from) {
  by.waited = by.waited || from.waited;
  if (clocks_.empty()) return;
  auto& own = clock(by);
  for (std::size_t i = 0; i < from.times.size(); ++i) own[i] = std::max(own[i], from.times[i]);
}

void Races::report(const Thread& by, const char* does, const Access& earlier, const char* did,
                   std::size_t word) const {
  fail_in_kernel("race on shared offset " + std::to_string(word * kWordBytes) + ": thread " +
                 std::to_string(by.number) + " " + does + " what thread " +
                 std::to_string(earlier.thread) + " " + did + ", and no barrier is between them");
}

}  // namespace gemma2::emulator
