// SPDX-License-Identifier: Apache-2.0
//
// The host's side of the emulated card: what its calls share. Internal to the emulator.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda_runtime.h"
#include "emulator.h"

struct CUgraph_st {
  std::vector<std::function<void()>> nodes;
  bool invalid = false;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<std::function<void()>>> nodes;
};
struct CUstream_st {
  bool blocking = true;  // with the default stream
  int device = 0;
  std::deque<std::function<void()>> queue;
  CUgraph_st* capture = nullptr;
  bool began_capture = false;
};
struct CUevent_st {
  struct State {
    bool done = true;
    std::chrono::steady_clock::time_point when;
  };
  std::shared_ptr<State> state = std::make_shared<State>();
  bool recorded = false;
  bool timing = true;
  CUstream_st* stream = nullptr;
  CUgraph_st* capture = nullptr;
};

namespace gemma2::emulator {

/// Held by every call: kernels of all host threads run one after another.
std::recursive_mutex& calls();

/// What any call fails with now: no driver, no device, a lost card.
cudaError_t state_of_card();
/// Keeps an error for cudaGetLastError, and returns it.
cudaError_t keep(cudaError_t error);
Counters& count();
/// The card that the calling thread has chosen. Records a fault, and fails, if it is an old one.
int current_device();
cudaError_t refuse_old_device();
bool is_lost();

/// Device memory, or page-locked host memory.
struct Allocation {
  std::size_t bytes = 0;
  /// The launch that wrote last to each kPageBytes of it; kept if accesses are checked.
  std::vector<long> written_by;
};
inline constexpr std::size_t kPageBytes = 256;
/// The one with this address, and where it starts; null: there is none.
Allocation* find_allocation(const void* pointer, const std::byte** start);

bool is_device_memory(const void* pointer, std::size_t bytes);
bool is_locked_host_memory(const void* pointer, std::size_t bytes);
/// Records a fault, and returns false, if something wrote beside an allocation.
bool check_guards();

/// Runs `work` in its turn, or puts it into the graph that the stream is captured in.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);
void finish(cudaStream_t stream);
void finish_all();
/// While a stream is captured, calls that wait or allocate spoil the capture.
cudaError_t refuse_in_capture();

std::size_t most_shared_bytes();

}  // namespace gemma2::emulator

// Opens every call of the API: one at a time, and none on a card that is not there.
#define GEMMA2_EMULATED_CALL                                                             \
  const std::lock_guard lock(gemma2::emulator::calls());                                 \
  if (const cudaError_t state = gemma2::emulator::state_of_card(); state != cudaSuccess) \
  return gemma2::emulator::keep(state)
