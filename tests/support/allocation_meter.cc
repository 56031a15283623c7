// SPDX-License-Identifier: Apache-2.0
#include "support/allocation_meter.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace gemma2::test {
namespace {

std::atomic<long> held{0};
std::atomic<long> peak{0};
long start = 0;
std::atomic<std::size_t> until_failure{0};

void count(void* block, int sign) noexcept {
  const long now = held += sign * static_cast<long>(malloc_usable_size(block));
  long seen = peak;
  while (now > seen && !peak.compare_exchange_weak(seen, now)) {
  }
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (until_failure != 0 && --until_failure == 0) throw std::bad_alloc();
  void* block = std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) throw std::bad_alloc();
  count(block, 1);
  return block;
}

void release(void* block) noexcept {
  if (block == nullptr) return;
  count(block, -1);
  std::free(block);
}

void reset_allocation_peak() noexcept {
  start = held;
  peak = start;
}

void fail_allocation(std::size_t nth) noexcept {
  until_failure = nth;
}

std::size_t allocation_peak() noexcept {
  return static_cast<std::size_t>(peak - start);
}

}  // namespace gemma2::test

void* operator new(std::size_t bytes) {
  return gemma2::test::allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return gemma2::test::allocate(bytes);
}
void operator delete(void* block) noexcept {
  gemma2::test::release(block);
}
void operator delete[](void* block) noexcept {
  gemma2::test::release(block);
}
void operator delete(void* block, std::size_t) noexcept {
  gemma2::test::release(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  gemma2::test::release(block);
}
