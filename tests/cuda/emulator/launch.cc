// SPDX-License-Identifier: Apache-2.0
//
// Launches: what the card would refuse, and the blocks of what it takes, one after another.
#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "accesses.h"
#include "block.h"
#include "host.h"

namespace gemma2::emulator {
namespace {

constexpr std::size_t kUsualSharedBytes = std::size_t{48} * 1024;

std::map<const void*, std::size_t>& allowed_shared_bytes() {
  static std::map<const void*, std::size_t> all;
  return all;
}

std::size_t allowed_for(const void* kernel) {
  const auto found = allowed_shared_bytes().find(kernel);
  return found == allowed_shared_bytes().end() ? kUsualSharedBytes : found->second;
}

cudaError_t check(const cudaLaunchConfig_t& config, const Kernel& kernel) {
  const dim3 grid = config.gridDim;
  const dim3 size = config.blockDim;
  const auto threads = std::uint64_t{size.x} * size.y * size.z;
  if (threads == 0 || threads > kMostThreads || size.z > 64) return cudaErrorInvalidConfiguration;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7FFFFFFFU || grid.y > 65535 ||
      grid.z > 65535) {
    return cudaErrorInvalidConfiguration;
  }
  return config.dynamicSmemBytes > allowed_for(kernel.address) ? cudaErrorInvalidValue
                                                               : cudaSuccess;
}

bool starts_early(const cudaLaunchConfig_t& config) {
  return std::any_of(config.attrs, config.attrs + config.numAttrs, [](const auto& attribute) {
    return attribute.id == cudaLaunchAttributeProgrammaticStreamSerialization &&
           attribute.val.programmaticStreamSerializationAllowed != 0;
  });
}

void run(const cudaLaunchConfig_t& config, const Kernel& kernel, bool early) {
  const long lost_after = settings().lost_after_launches;
  if (lost_after >= 0 && counters().launches >= lost_after) lose_card();
  if (is_lost()) return;
  ++count().launches;
  begin_launch(early);
  const dim3 grid = config.gridDim;
  std::vector<std::size_t> order(std::size_t{grid.x} * grid.y * grid.z);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (settings().blocks == Order::descending) std::reverse(order.begin(), order.end());
  if (settings().blocks == Order::shuffled) {
    std::shuffle(order.begin(), order.end(), std::mt19937(settings().seed));
  }
  gridDim = grid;
  blockDim = config.blockDim;
  Block block(config, kernel, early);
  for (const std::size_t n : order) {
    ++count().blocks;
    const auto i = static_cast<unsigned>(n);
    if (!block.run({i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y})) return;
  }
  if (!check_guards()) record_fault(block.name() + " is the one that wrote there");
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, Kernel kernel) {
  GEMMA2_EMULATED_CALL;
  if (const cudaError_t error = check(config, kernel); error != cudaSuccess) return keep(error);
  const bool early = starts_early(config);
  cudaLaunchConfig_t kept = config;
  kept.attrs = nullptr;
  kept.numAttrs = 0;
  // A kernel that fails makes later calls fail, not its launch.
  const cudaError_t error = enqueue(
      config.stream, [kept, kernel = std::move(kernel), early] { run(kept, kernel, early); });
  return error == cudaErrorLaunchFailure ? cudaSuccess : keep(error);
}

}  // namespace gemma2::emulator

using namespace gemma2::emulator;  // NOLINT: what follows is the API, in the global namespace

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  GEMMA2_EMULATED_CALL;
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<std::size_t>(value) > most_shared_bytes()) {
    return keep(cudaErrorInvalidValue);
  }
  allowed_shared_bytes()[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  GEMMA2_EMULATED_CALL;
  *attributes = {};
  attributes->maxThreadsPerBlock = kMostThreads;
  attributes->binaryVersion = settings().major * 10 + settings().minor;
  attributes->ptxVersion = attributes->binaryVersion;
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(allowed_for(kernel));
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel,
                                                          int threads, std::size_t shared_bytes) {
  GEMMA2_EMULATED_CALL;
  if (threads <= 0 || threads > kMostThreads) return keep(cudaErrorInvalidValue);
  *blocks = 0;
  if (shared_bytes > std::min(allowed_for(kernel), most_shared_bytes())) return cudaSuccess;
  const auto fit = static_cast<int>((most_shared_bytes() + 1024) / (shared_bytes + 1024));
  *blocks = std::min({32, 2048 / threads, fit});
  return cudaSuccess;
}
