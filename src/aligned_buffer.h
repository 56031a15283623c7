// SPDX-License-Identifier: Apache-2.0
//
// Zeroed, 64-byte aligned, move-only storage. Large buffers are mapped and ask for huge pages:
// weights and caches are streamed, and a 4 KiB page table walk every 4 KiB costs a few percent.
#pragma once

#include <cstddef>
#include <utility>

namespace gemma2 {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// Throws Error(out_of_memory) naming the bytes.
  explicit AlignedBuffer(std::size_t bytes);
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~AlignedBuffer();

  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  template <typename T>
  [[nodiscard]] T* as() noexcept {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace gemma2
