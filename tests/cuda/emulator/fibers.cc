// SPDX-License-Identifier: Apache-2.0
//
// Threads as fibers. A thread that waits switches straight to the next one that can run. Boost's
// fcontext below its fiber class, because a block that failed is abandoned: its kernel frames hold
// nothing that needs unwinding.
#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include <sys/mman.h>

#include "block.h"
#include "emulator.h"

#include <boost/context/detail/fcontext.hpp>

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace gemma2::emulator {

constinit thread_local Block* running_block = nullptr;
constinit thread_local Thread* running_thread = nullptr;

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr std::size_t kPageBytes = 4096;

/// Stacks of a host thread, each with a page below that must not be touched.
class Stacks {
 public:
  Stacks() = default;
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks() {
    for (void* stack : stacks_) munmap(stack, kStackBytes + kPageBytes);
  }
  /// The upper end of stack `i`.
  void* top(std::size_t i) {
    while (stacks_.size() <= i) {
      void* memory = mmap(nullptr, kStackBytes + kPageBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      mprotect(memory, kPageBytes, PROT_NONE);
      stacks_.push_back(memory);
    }
    return static_cast<std::byte*>(stacks_[i]) + kPageBytes + kStackBytes;
  }

 private:
  std::vector<void*> stacks_;
};

Stacks& stacks() {
  thread_local Stacks own;
  return own;
}

/// What runs first when somebody switched to this thread.
void arrived_from(transfer_t transfer) {
  static_cast<Thread*>(transfer.data)->context = transfer.fctx;
}

void switch_to(Thread* to) {
  if (to == running_thread) return;  // what it was about to wait for has just come
  Thread* from = std::exchange(running_thread, to);
  threadIdx = to->index;
  arrived_from(jump_fcontext(to->context, from));
}

std::string index_text(uint3 i) {
  return "(" + std::to_string(i.x) + ", " + std::to_string(i.y) + ", " + std::to_string(i.z) + ")";
}

}  // namespace

struct Block::Fiber {
  static void main(transfer_t transfer) {
    arrived_from(transfer);
    Block& own = *running_block;
    Thread& thread = *running_thread;
    thread.in_emulator = false;
    own.kernel_.call(own.kernel_.address, own.kernel_.arguments.get());
    thread.in_emulator = true;
    finish_copies(thread, thread.copies.size());
    thread.ended = true;
    --own.live_;
    switch_to(own.next());
    std::abort();  // an ended thread is never switched to
  }
};

Thread* Block::next() {
  while (live_ > 0 && first_ready_ == ready_.size() && finish_block_copy(*this)) {
  }
  if (first_ready_ == ready_.size()) {
    if (live_ > 0) report_deadlock();
    return &host_;
  }
  if (order_ == Order::shuffled) {
    std::swap(ready_[first_ready_],
              ready_[first_ready_ + random_() % (ready_.size() - first_ready_)]);
    if (random_() % 8 == 0) finish_block_copy(*this);
  }
  if (order_ == Order::descending) {
    Thread* last = ready_.back();
    ready_.pop_back();
    return last;
  }
  Thread* first = ready_[first_ready_++];
  if (first_ready_ == ready_.size()) {
    ready_.clear();
    first_ready_ = 0;
  }
  return first;
}

void Block::wait(const char* what) {
  running_thread->waits_at = what;
  switch_to(next());
  running_thread->waits_at = nullptr;
}

void Block::wake(Thread* thread) {
  // A ring that never empties would grow: move it down now and then.
  if (first_ready_ > 4096) {
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(first_ready_));
    first_ready_ = 0;
  }
  ready_.push_back(thread);
}

void Block::abandon() {
  failed_ = true;
  switch_to(&host_);
  std::abort();  // an abandoned thread is never switched to
}

void Block::report_deadlock() {
  std::string text = name_ + ", block " + index_text(index_) + ": deadlock: ";
  const char* last = nullptr;
  int listed = 0;
  for (const Thread& thread : threads) {
    const char* at = thread.ended ? "its end" : thread.waits_at;
    if (at == last || listed > 32) continue;
    text += (listed++ > 0 ? "; " : "") + std::string("from thread ") +
            std::to_string(thread.number) + " on: " + at;
    last = at;
  }
  record_fault(text);
  failed_ = true;
}

bool Block::run(uint3 index) {
  Block* outer = std::exchange(running_block, this);
  Thread* outer_thread = std::exchange(running_thread, &host_);
  prepare(index);
  Thread* first = next();
  if (first != &host_) switch_to(first);
  const bool good = !failed_ && check_end();
  running_block = outer;
  running_thread = outer_thread;
  return good;
}

void Block::enter(Thread* thread) {
  thread->ended = false;
  thread->waits_at = nullptr;
  thread->waited = false;
  thread->in_emulator = true;
  thread->copies.clear();
  thread->copy_groups.clear();
  auto* top = static_cast<std::byte*>(stacks().top(static_cast<std::size_t>(thread->number)));
  thread->stack = top - kStackBytes;
  thread->context = make_fcontext(top, kStackBytes, &Fiber::main);
}

void fail_in_kernel(const std::string& what) {
  const InEmulator in_emulator;
  const Thread& own = thread();
  record_fault(block().name() + ", block " + index_text(blockIdx) + ", thread " +
               std::to_string(own.number) + ": " + what);
  block().abandon();
}

}  // namespace gemma2::emulator
