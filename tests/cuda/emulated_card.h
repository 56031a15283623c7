// SPDX-License-Identifier: Apache-2.0
//
// What tests on the emulated card share.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <cuda_runtime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "emulator.h"

namespace gemma2::cuda {

/// Device memory with the values of a vector.
template <typename T>
class Buffer {
 public:
  explicit Buffer(const std::vector<T>& values) : size_(values.size()) {
    EXPECT_EQ(cudaMalloc(&data_, size_ * sizeof(T)), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  explicit Buffer(std::size_t size) : size_(size) {
    EXPECT_EQ(cudaMalloc(&data_, size_ * sizeof(T)), cudaSuccess);
  }
  ~Buffer() { cudaFree(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> read(size_);
    EXPECT_EQ(cudaMemcpy(read.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return read;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

/// Launches kernel(arguments...) on the default stream, or another one.
struct Start {
  dim3 grid = 1;
  unsigned threads = 32;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
  bool early = false;

  template <typename... Parameters, typename... Arguments>
  cudaError_t operator()(void (*kernel)(Parameters...), Arguments... arguments) const {
    cudaLaunchAttribute attribute{};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(threads);
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = early ? 1 : 0;
    return cudaLaunchKernelEx(&config, kernel, arguments...);
  }
};

/// A fresh card for each case.
class OnEmulatedCard : public testing::Test {
 protected:
  void SetUp() override { emulator::reset(); }
  void TearDown() override { emulator::reset(); }

  /// The one fault of the case so far; the card works again afterwards.
  static std::string fault() {
    const std::vector<std::string> faults = emulator::take_faults();
    emulator::reset(emulator::settings());
    EXPECT_EQ(faults.size(), 1U);
    return faults.empty() ? "" : faults[0];
  }
};

}  // namespace gemma2::cuda
