// SPDX-License-Identifier: Apache-2.0
//
// The card's memory, and the host's page-locked memory: garbage when fresh, with guards around it.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "accesses.h"
#include "block.h"
#include "host.h"

namespace gemma2::emulator {
namespace {

constexpr std::size_t kGuardBytes = 256;
constexpr std::byte kGuard{0xA7};

using Allocations = std::map<std::byte*, Allocation>;

struct Memory {
  Allocations device;
  Allocations host;
};

Memory& memory() {
  static Memory one;
  return one;
}

bool contains(const Allocations& allocations, const void* pointer, std::size_t bytes) {
  auto* first = static_cast<std::byte*>(const_cast<void*>(pointer));
  auto after = allocations.upper_bound(first);
  if (after == allocations.begin()) return false;
  const auto& [start, allocation] = *--after;
  const std::size_t size = allocation.bytes;
  const auto offset = static_cast<std::size_t>(first - start);
  return offset <= size && bytes <= size - offset;
}

bool touches(const Allocations& allocations, const void* pointer, std::size_t bytes) {
  auto* first = static_cast<std::byte*>(const_cast<void*>(pointer));
  auto after = allocations.upper_bound(first);
  if (after != allocations.end() && after->first < first + bytes) return true;
  if (after == allocations.begin()) return false;
  --after;
  return first < after->first + after->second.bytes;
}

std::byte* allocate(Allocations& in, std::size_t bytes) {
  const std::size_t whole = (bytes + 3 * kGuardBytes - 1) / kGuardBytes * kGuardBytes;
  auto* raw = static_cast<std::byte*>(std::aligned_alloc(kGuardBytes, whole));
  if (raw == nullptr) return nullptr;
  std::byte* start = raw + kGuardBytes;
  std::fill(raw, start, kGuard);
  std::fill(start, start + bytes, kGarbage);
  std::fill(start + bytes, raw + whole, kGuard);
  Allocation& fresh = in[start];
  fresh.bytes = bytes;
  if (accesses_are_checked()) fresh.written_by.resize((bytes + kPageBytes - 1) / kPageBytes, -1);
  return start;
}

bool guards_intact(const std::byte* start, std::size_t bytes) {
  const auto intact = [](std::byte b) { return b == kGuard; };
  const std::byte* end = start + bytes;
  const std::size_t behind = (bytes + kGuardBytes - 1) / kGuardBytes * kGuardBytes - bytes;
  return std::all_of(start - kGuardBytes, start, intact) &&
         std::all_of(end, end + std::min(kGuardBytes, behind + kGuardBytes), intact);
}

/// Which of `to` and `from` are the card's, by kind; `unknown` is settled by the addresses.
struct Sides {
  bool to_device;
  bool from_device;
};
Sides sides(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  switch (kind) {
    case cudaMemcpyHostToHost:
      return {false, false};
    case cudaMemcpyHostToDevice:
      return {true, false};
    case cudaMemcpyDeviceToHost:
      return {false, true};
    case cudaMemcpyDeviceToDevice:
      return {true, true};
    default:
      return {touches(memory().device, to, bytes), touches(memory().device, from, bytes)};
  }
}

cudaError_t check_copy(const void* to, const void* from, std::size_t bytes, Sides are) {
  const auto good = [bytes](const void* pointer, bool device) {
    return device ? is_device_memory(pointer, bytes) : !touches(memory().device, pointer, bytes);
  };
  return good(to, are.to_device) && good(from, are.from_device) ? cudaSuccess
                                                                : cudaErrorInvalidValue;
}

void copy(void* to, const void* from, std::size_t bytes, Sides are) {
  if (is_lost()) return;
  end_overlap();
  if (check_copy(to, from, bytes, are) != cudaSuccess) {
    record_fault("a queued copy of " + std::to_string(bytes) + " bytes: its memory is gone");
    return;
  }
  std::memmove(to, from, bytes);
  if (are.to_device && !are.from_device) count().bytes_to_device += bytes;
  if (!are.to_device && are.from_device) count().bytes_to_host += bytes;
}

}  // namespace

Allocation* find_allocation(const void* pointer, const std::byte** start) {
  for (Allocations* in : {&memory().device, &memory().host}) {
    auto after = in->upper_bound(static_cast<std::byte*>(const_cast<void*>(pointer)));
    if (after == in->begin()) continue;
    --after;
    if (static_cast<const std::byte*>(pointer) >= after->first + after->second.bytes) continue;
    *start = after->first;
    return &after->second;
  }
  return nullptr;
}

bool is_device_memory(const void* pointer, std::size_t bytes) {
  return contains(memory().device, pointer, bytes);
}
bool is_locked_host_memory(const void* pointer, std::size_t bytes) {
  return contains(memory().host, pointer, bytes);
}

bool check_guards() {
  for (const auto& [start, allocation] : memory().device) {
    const std::size_t bytes = allocation.bytes;
    if (guards_intact(start, bytes)) continue;
    record_fault("wrote beside an allocation of " + std::to_string(bytes) + " bytes");
    return false;
  }
  return true;
}

}  // namespace gemma2::emulator

using namespace gemma2::emulator;  // NOLINT: what follows is the API, in the global namespace

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  GEMMA2_EMULATED_CALL;
  *pointer = nullptr;
  if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return keep(error);
  if (const cudaError_t error = refuse_old_device(); error != cudaSuccess) return keep(error);
  if (bytes == 0) return cudaSuccess;
  Counters& c = count();
  const bool refused = c.allocations++ == settings().failing_allocation;
  if (refused || bytes > settings().memory - std::min(settings().memory, c.live_bytes)) {
    return keep(cudaErrorMemoryAllocation);
  }
  *pointer = allocate(memory().device, bytes);
  if (*pointer == nullptr) return keep(cudaErrorMemoryAllocation);
  ++c.live_allocations;
  c.live_bytes += bytes;
  c.peak_bytes = std::max(c.peak_bytes, c.live_bytes);
  return cudaSuccess;
}

cudaError_t cudaFree(void* pointer) {
  const std::lock_guard lock(calls());
  if (pointer == nullptr) return keep(state_of_card());
  const auto found = memory().device.find(static_cast<std::byte*>(pointer));
  if (found == memory().device.end()) return keep(cudaErrorInvalidValue);
  if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return keep(error);
  finish_all();
  if (!guards_intact(found->first, found->second.bytes)) {
    record_fault("wrote beside an allocation of " + std::to_string(found->second.bytes) + " bytes");
  }
  --count().live_allocations;
  count().live_bytes -= found->second.bytes;
  std::free(found->first - kGuardBytes);
  memory().device.erase(found);
  return keep(state_of_card());
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned /*flags*/) {
  GEMMA2_EMULATED_CALL;
  *pointer = nullptr;
  if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return keep(error);
  if (bytes == 0) return cudaSuccess;
  *pointer = allocate(memory().host, bytes);
  if (*pointer == nullptr) return keep(cudaErrorMemoryAllocation);
  ++count().live_host_allocations;
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* pointer) {
  const std::lock_guard lock(calls());
  if (pointer == nullptr) return keep(state_of_card());
  const auto found = memory().host.find(static_cast<std::byte*>(pointer));
  if (found == memory().host.end()) return keep(cudaErrorInvalidValue);
  finish_all();
  if (!guards_intact(found->first, found->second.bytes)) {
    record_fault("wrote beside page-locked memory of " + std::to_string(found->second.bytes) +
                 " bytes");
  }
  --count().live_host_allocations;
  std::free(found->first - kGuardBytes);
  memory().host.erase(found);
  return keep(state_of_card());
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  GEMMA2_EMULATED_CALL;
  if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return keep(error);
  if (bytes == 0) return cudaSuccess;
  const Sides are = sides(to, from, bytes, kind);
  if (const cudaError_t error = check_copy(to, from, bytes, are); error != cudaSuccess) {
    return keep(error);
  }
  finish(nullptr);
  copy(to, from, bytes, are);
  return keep(state_of_card());
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  GEMMA2_EMULATED_CALL;
  if (bytes == 0) return cudaSuccess;
  const Sides are = sides(to, from, bytes, kind);
  if (const cudaError_t error = check_copy(to, from, bytes, are); error != cudaSuccess) {
    return keep(error);
  }
  const bool captured = stream != nullptr && stream->capture != nullptr;
  // Ordinary host memory is read before the call returns, and written before it returns.
  if (!captured && !are.from_device && !is_locked_host_memory(from, bytes)) {
    const auto* begin = static_cast<const std::byte*>(from);
    return keep(enqueue(stream, [to, are, kept = std::vector<std::byte>(begin, begin + bytes)] {
      copy(to, kept.data(), kept.size(), are);
    }));
  }
  if (!captured && !are.to_device && !is_locked_host_memory(to, bytes)) finish(stream);
  const bool now = !captured && !are.to_device && !is_locked_host_memory(to, bytes);
  const cudaError_t error = enqueue(stream, [to, from, bytes, are] { copy(to, from, bytes, are); });
  if (now) finish(stream);
  return keep(error);
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  GEMMA2_EMULATED_CALL;
  if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return keep(error);
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  GEMMA2_EMULATED_CALL;
  if (bytes == 0) return cudaSuccess;
  if (!is_device_memory(to, bytes)) return keep(cudaErrorInvalidValue);
  return keep(enqueue(stream, [to, value, bytes] {
    if (is_lost()) return;
    end_overlap();
    if (is_device_memory(to, bytes)) {
      std::memset(to, value, bytes);
    } else {
      record_fault("a queued memset of " + std::to_string(bytes) + " bytes: its memory is gone");
    }
  }));
}
