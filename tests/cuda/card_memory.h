// SPDX-License-Identifier: Apache-2.0
//
// Memory of the card, for tests: owned, and compared with vectors of this side.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <cuda_runtime.h>
#include <gtest/gtest.h>

namespace gemma2::cuda {

template <typename T>
class CardArray {
 public:
  explicit CardArray(std::size_t size) : size_(size) {
    EXPECT_EQ(cudaMalloc(reinterpret_cast<void**>(&data_), size_ * sizeof(T)), cudaSuccess);
  }
  explicit CardArray(const std::vector<T>& values) : CardArray(values.size()) { set(values); }
  CardArray(CardArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  CardArray& operator=(CardArray&&) = delete;
  ~CardArray() { EXPECT_EQ(cudaFree(data_), cudaSuccess); }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  void set(const std::vector<T>& values) {
    EXPECT_EQ(values.size(), size_);
    EXPECT_EQ(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice),
              cudaSuccess);
  }
  [[nodiscard]] std::vector<T> get() const {
    std::vector<T> values(size_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost),
              cudaSuccess);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

}  // namespace gemma2::cuda
