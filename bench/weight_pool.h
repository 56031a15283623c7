// SPDX-License-Identifier: Apache-2.0
//
// Packed random weights in a pool several times larger than the last-level cache: each call takes
// the next matrix, so a product of one column is timed at the speed of memory, as in decoding.
#pragma once

#include <cstddef>

#include "gemma2/types.h"

#include "aligned_buffer.h"
#include "kernels/cpu/kernel_table.h"

namespace gemma2::bench {

class WeightPool {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;  // at least

  WeightPool(DType type, int rows, int cols);

  [[nodiscard]] cpu::Strips next() noexcept;
  [[nodiscard]] std::size_t matrix_bytes() const noexcept { return matrix_bytes_; }
  [[nodiscard]] bool holds(DType type, int rows, int cols) const noexcept {
    return type == type_ && rows == rows_ && cols == cols_;
  }

 private:
  DType type_;
  int rows_;
  int cols_;
  std::size_t strip_bytes_;
  std::size_t matrix_bytes_;
  std::size_t matrices_;
  std::size_t turn_ = 0;
  AlignedBuffer buffer_;
};

}  // namespace gemma2::bench
