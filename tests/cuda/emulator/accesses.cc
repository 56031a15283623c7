// SPDX-License-Identifier: Apache-2.0
//
// Every load and store of a kernel that is compiled with -fsanitize=thread. The compiler then calls
// a function for each of them, of a run-time library that is not linked: these stand in for it, and
// know what is shared memory, what is the card's, and what no kernel may touch.
#include "accesses.h"

#include <string>

#include "block.h"
#include "host.h"

namespace gemma2::emulator {
namespace {

constinit bool checked = false;

/// Of global memory a kernel mostly uses few allocations over and over. Before the next launch they
/// may be gone.
struct LastFound {
  long launch = -1;
  const std::byte* start = nullptr;
  Allocation* allocation = nullptr;
};
constinit thread_local LastFound last_found{};

/// What kernels with a number from this one on wrote, kernels that start early may find unfinished.
constinit long overlap_begin = 0;
constinit long this_launch = 0;

Allocation* find_again(const std::byte* at, const std::byte** start) {
  LastFound& last = last_found;
  if (last.launch != this_launch || last.allocation == nullptr || at < last.start ||
      at >= last.start + last.allocation->bytes) {
    last.launch = this_launch;
    last.allocation = find_allocation(at, &last.start);
  }
  *start = last.start;
  return last.allocation;
}

bool inside(const std::byte* at, const void* start, std::size_t bytes) {
  return static_cast<std::size_t>(at - static_cast<const std::byte*>(start)) < bytes;
}

bool is_place(const std::byte* at) {
  return inside(at, &threadIdx, sizeof threadIdx) || inside(at, &blockIdx, sizeof blockIdx) ||
         inside(at, &blockDim, sizeof blockDim) || inside(at, &gridDim, sizeof gridDim);
}

void check(const void* pointer, std::size_t bytes, bool write, bool aligned) {
  if (running_block == nullptr || thread().in_emulator) return;
  const auto* at = static_cast<const std::byte*>(pointer);
  if (inside(at, thread().stack, kStackBytes) || is_place(at)) return;
  if (aligned && reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0) {
    fail_in_kernel("accesses " + std::to_string(bytes) +
                   " bytes at an address that is no multiple of that");
  }
  const auto offset = static_cast<std::size_t>(at - block().shared());
  if (offset < block().shared_bytes() && bytes <= block().shared_bytes() - offset) {
    if (write) {
      block().races.write(thread(), offset, bytes);
    } else {
      block().races.read(thread(), offset, bytes);
    }
    return;
  }
  const Kernel& kernel = block().kernel();
  if (!write && inside(at, kernel.arguments.get(), kernel.argument_bytes)) return;
  check_global(pointer, bytes, write);
}

}  // namespace

bool accesses_are_checked() {
  return checked;
}

void end_overlap() {
  overlap_begin = this_launch + 1;
}

void begin_launch(bool early) {
  if (!early) end_overlap();
  last_found = {};  // since the last launch, memory may have been freed
  ++this_launch;
}

void check_global(const void* pointer, std::size_t bytes, bool write) {
  const auto* at = static_cast<const std::byte*>(pointer);
  const std::byte* start = nullptr;
  Allocation* allocation = find_again(at, &start);
  const auto offset = static_cast<std::size_t>(at - start);
  if (allocation == nullptr || bytes > allocation->bytes - offset) {
    const auto shared = at - block().shared();
    fail_in_kernel(std::string(write ? "writes " : "reads ") + std::to_string(bytes) +
                   " bytes outside of the card's memory" +
                   (allocation != nullptr ? ", across the end of an allocation" : "") +
                   (shared > -65536 && shared < 1 << 20
                        ? ", " + std::to_string(shared) + " bytes from shared memory's start"
                        : ""));
  }
  if (!checked) return;
  const bool too_early = block().starts_early() && !thread().waited;
  for (std::size_t page = offset / kPageBytes; page <= (offset + bytes - 1) / kPageBytes; ++page) {
    if (page >= allocation->written_by.size()) return;
    long& written_by = allocation->written_by[page];
    if (too_early && (write || written_by >= overlap_begin)) {
      fail_in_kernel(std::string(write ? "writes to" : "reads what another kernel wrote in") +
                     " global memory before wait_for_earlier_kernels");
    }
    if (write) written_by = this_launch;
  }
}

}  // namespace gemma2::emulator

// ---- What the compiler calls ------------------------------------------------------------------

using gemma2::emulator::check;  // NOLINT: of this file

#define GEMMA2_ACCESSES(bytes)                   \
  void __tsan_read##bytes(void* at) {            \
    check(at, bytes, false, true);               \
  }                                              \
  void __tsan_write##bytes(void* at) {           \
    check(at, bytes, true, true);                \
  }                                              \
  void __tsan_unaligned_read##bytes(void* at) {  \
    check(at, bytes, false, false);              \
  }                                              \
  void __tsan_unaligned_write##bytes(void* at) { \
    check(at, bytes, true, false);               \
  }

extern "C" {
GEMMA2_ACCESSES(1)
GEMMA2_ACCESSES(2)
GEMMA2_ACCESSES(4)
GEMMA2_ACCESSES(8)
GEMMA2_ACCESSES(16)
void __tsan_read_range(void* at, std::size_t bytes) {
  check(at, bytes, false, false);
}
void __tsan_write_range(void* at, std::size_t bytes) {
  check(at, bytes, true, false);
}
void __tsan_vptr_update(void** /*at*/, void* /*value*/) {}
void __tsan_init() {
  gemma2::emulator::checked = true;
}
}
