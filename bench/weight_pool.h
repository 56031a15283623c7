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

  /// `twelve_bits`: BF16 as in quant/bf16_12.h.
  WeightPool(DType type, bool twelve_bits, int rows, int cols);

  [[nodiscard]] cpu::Strips next() noexcept;
  [[nodiscard]] std::size_t matrix_bytes() const noexcept { return matrix_bytes_; }
  [[nodiscard]] bool holds(DType type, bool twelve_bits, int rows, int cols) const noexcept {
    return type == type_ && twelve_bits == twelve_bits_ && rows == rows_ && cols == cols_;
  }

 private:
  DType type_;
  bool twelve_bits_;
  int rows_;
  int cols_;
  std::size_t strip_bytes_ = 0;
  std::size_t matrix_bytes_ = 0;
  std::size_t matrices_ = 0;
  std::size_t turn_ = 0;
  AlignedBuffer buffer_;
};

}  // namespace gemma2::bench
