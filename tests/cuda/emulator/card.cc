// SPDX-License-Identifier: Apache-2.0
//
// The card as a whole: whether it is there, what it is, what went wrong.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "accesses.h"
#include "host.h"

namespace gemma2::emulator {
namespace {

struct Card {
  Settings settings;
  Counters counters;
  std::vector<std::string> faults;
  bool lost = false;
};

Card& card() {
  static Card one;
  return one;
}

thread_local cudaError_t last_error = cudaSuccess;
thread_local int device_of_thread = 0;

constexpr int kOldMajor = 6;
bool is_old(int device) {
  return device < settings().old_devices;
}

}  // namespace

std::recursive_mutex& calls() {
  static std::recursive_mutex mutex;
  return mutex;
}
Settings& settings() {
  return card().settings;
}
const Counters& counters() {
  return card().counters;
}
Counters& count() {
  return card().counters;
}

void reset(const Settings& fresh) {
  const std::lock_guard lock(calls());
  Card& one = card();
  one.settings = fresh;
  one.lost = false;
  last_error = cudaSuccess;
  device_of_thread = 0;
  Counters& c = one.counters;
  c.launches = c.graph_launches = c.blocks = c.allocations = c.synchronizations = 0;
  c.bytes_to_device = c.bytes_to_host = 0;
  c.peak_bytes = c.live_bytes;
}

void lose_card() {
  const std::lock_guard lock(calls());
  card().lost = true;
}
bool is_lost() {
  return card().lost;
}

void record_fault(const std::string& what) {
  const std::lock_guard lock(calls());
  std::fprintf(stderr, "fault on the emulated card: %s\n", what.c_str());
  card().faults.push_back(what);
  card().lost = true;
}

std::vector<std::string> take_faults() {
  const std::lock_guard lock(calls());
  return std::exchange(card().faults, {});
}

cudaError_t state_of_card() {
  if (!settings().driver) return cudaErrorInsufficientDriver;
  if (settings().devices == 0) return cudaErrorNoDevice;
  return is_lost() ? cudaErrorLaunchFailure : cudaSuccess;
}

int current_device() {
  return device_of_thread;
}
cudaError_t refuse_old_device() {
  if (!is_old(current_device())) return cudaSuccess;
  record_fault("work for a card that is too old");
  return cudaErrorInvalidDeviceFunction;
}

cudaError_t keep(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

std::size_t most_shared_bytes() {
  const int capability = settings().major * 10 + settings().minor;
  constexpr std::size_t kKilo = 1024;
  if (capability < 80) return 64 * kKilo;
  if (capability == 80 || capability == 87) return 163 * kKilo;
  if (capability == 86 || capability == 89 || capability >= 120) return 99 * kKilo;
  return 227 * kKilo;
}

}  // namespace gemma2::emulator

using namespace gemma2::emulator;  // NOLINT: what follows is the API, in the global namespace

cudaError_t cudaGetLastError() {
  const std::lock_guard lock(calls());
  if (state_of_card() != cudaSuccess) return state_of_card();
  return std::exchange(last_error, cudaSuccess);
}
cudaError_t cudaPeekAtLastError() {
  const std::lock_guard lock(calls());
  return state_of_card() != cudaSuccess ? state_of_card() : last_error;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = settings().driver ? 13000 : 0;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  GEMMA2_EMULATED_CALL;
  *count = settings().devices;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  GEMMA2_EMULATED_CALL;
  if (device < 0 || device >= settings().devices) return keep(cudaErrorInvalidDevice);
  device_of_thread = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  GEMMA2_EMULATED_CALL;
  *device = current_device();
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  GEMMA2_EMULATED_CALL;
  if (const cudaError_t error = refuse_old_device(); error != cudaSuccess) return keep(error);
  *total = settings().memory;
  *free = settings().memory - std::min(settings().memory, counters().live_bytes);
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  GEMMA2_EMULATED_CALL;
  if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return keep(error);
  ++count().synchronizations;
  finish_all();
  end_overlap();
  return keep(state_of_card());
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  GEMMA2_EMULATED_CALL;
  if (device < 0 || device >= settings().devices) return keep(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "Emulated card");
  properties->totalGlobalMem = settings().memory;
  properties->sharedMemPerBlock = 48 * 1024;
  properties->sharedMemPerBlockOptin = most_shared_bytes();
  properties->sharedMemPerMultiprocessor = most_shared_bytes() + 1024;
  properties->regsPerBlock = 65536;
  properties->regsPerMultiprocessor = 65536;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->maxBlocksPerMultiProcessor = 32;
  properties->major = is_old(device) ? kOldMajor : settings().major;
  properties->minor = is_old(device) ? 0 : settings().minor;
  properties->multiProcessorCount = settings().multiprocessors;
  properties->l2CacheSize = settings().l2_bytes;
  properties->memoryBusWidth = 5120;
  const int most[3] = {1024, 1024, 64};
  const int grid[3] = {0x7FFFFFFF, 65535, 65535};
  std::copy_n(most, 3, properties->maxThreadsDim);
  std::copy_n(grid, 3, properties->maxGridSize);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  GEMMA2_EMULATED_CALL;
  if (device < 0 || device >= settings().devices) return keep(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = 48 * 1024;
      break;
    case cudaDevAttrComputeMode:
      *value = cudaComputeModeDefault;
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrClockRate:
      *value = 1'000'000;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = settings().multiprocessors;
      break;
    case cudaDevAttrMemoryClockRate:
      *value = 1'000'000;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = 5120;
      break;
    case cudaDevAttrL2CacheSize:
      *value = settings().l2_bytes;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = is_old(device) ? kOldMajor : settings().major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = is_old(device) ? 0 : settings().minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(most_shared_bytes());
      break;
    default:
      return keep(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
