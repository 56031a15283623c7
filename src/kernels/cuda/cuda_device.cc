// SPDX-License-Identifier: Apache-2.0
//
// Which card there is, or why none can be used. Nothing here needs a driver to be installed: the
// CUDA runtime is part of the program and looks for one.
#include <cstdlib>
#include <string>

#include <cuda_runtime.h>
#include <fmt/format.h>

#include "kernels/backend.h"
#include "kernels/cuda/kernel_image.h"

namespace gemma2 {
namespace {

constexpr int kLeastMajor = 7;
constexpr int kLeastMinor = 5;

/// The runtime keeps an error until it is asked for it.
std::string text_of(cudaError_t status) {
  static_cast<void>(cudaGetLastError());
  return cudaGetErrorString(status);
}

std::string driver_problem() {
  int driver = 0;
  int runtime = 0;
  static_cast<void>(cudaDriverGetVersion(&driver));
  static_cast<void>(cudaRuntimeGetVersion(&runtime));
  if (driver == 0) return "no NVIDIA driver is installed";
  return fmt::format("the NVIDIA driver is for CUDA {}.{} and this build needs one for {}.{}",
                     driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

std::string counting_problem(cudaError_t status) {
  static_cast<void>(cudaGetLastError());
  if (status == cudaErrorInsufficientDriver) return driver_problem();
  if (status == cudaErrorNoDevice || status == cudaSuccess) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    if (visible == nullptr) return "there is no NVIDIA card";
    return fmt::format("there is no NVIDIA card among those of CUDA_VISIBLE_DEVICES='{}'", visible);
  }
  return text_of(status);
}

int attribute(cudaDeviceAttr which, int index) {
  int value = 0;
  static_cast<void>(cudaDeviceGetAttribute(&value, which, index));
  return value;
}

/// Why the card can not be used; empty: it can, and its memory has been looked at.
std::string card_problem(CudaDevice& card) {
  if (card.major < kLeastMajor || (card.major == kLeastMajor && card.minor < kLeastMinor)) {
    return fmt::format("{} has compute capability {}.{}, and {}.{} is needed", card.name,
                       card.major, card.minor, kLeastMajor, kLeastMinor);
  }
  if (attribute(cudaDevAttrComputeMode, card.index) == cudaComputeModeProhibited) {
    return fmt::format("{} is set to take no work (compute mode 'prohibited')", card.name);
  }
  cudaError_t status = cudaSetDevice(card.index);
  if (status == cudaSuccess) status = cudaMemGetInfo(&card.free_bytes, &card.total_bytes);
  if (status == cudaErrorDevicesUnavailable || status == cudaErrorDeviceUninitialized) {
    static_cast<void>(cudaGetLastError());
    return fmt::format("{} is busy: another process has it to itself", card.name);
  }
  if (status == cudaSuccess) status = cuda::find_kernel_image();
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
    static_cast<void>(cudaGetLastError());
    return fmt::format("this build has no code for {} (sm_{}{})", card.name, card.major,
                       card.minor);
  }
  return status == cudaSuccess ? std::string() : fmt::format("{}: {}", card.name, text_of(status));
}

CudaDevice describe(int index) {
  CudaDevice card;
  card.index = index;
  card.major = attribute(cudaDevAttrComputeCapabilityMajor, index);
  card.minor = attribute(cudaDevAttrComputeCapabilityMinor, index);
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, index) == cudaSuccess) {
    card.name = static_cast<const char*>(properties.name);
  }
  return card;
}

}  // namespace

bool has_cuda() noexcept {
  return true;
}

CudaSearch find_cuda_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    return {.device = {}, .problem = counting_problem(status)};
  }
  CudaSearch search;
  for (int index = 0; index < count; ++index) {
    CudaDevice card = describe(index);
    const std::string problem = card_problem(card);
    if (problem.empty()) return {.device = card, .problem = {}};
    search.problem += (search.problem.empty() ? "" : "; ") + problem;
  }
  return search;
}

std::string not_for_cuda(const ModelConfig& config) {
  if (config.head_dim != 64 && config.head_dim != 128 && config.head_dim != 256) {
    return fmt::format("head_dim {} (64, 128 or 256 is)", config.head_dim);
  }
  // A tile of 16 query rows takes at least one position.
  constexpr int kMostQueries = 16;
  if (config.group_size() > kMostQueries) {
    return fmt::format("{} query heads for a key head (up to {} are)", config.group_size(),
                       kMostQueries);
  }
  return {};
}

}  // namespace gemma2
