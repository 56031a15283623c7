// SPDX-License-Identifier: Apache-2.0
//
// The loop over strips and blocks of columns that the integer products of all instruction sets
// share. A Kernel has kColumns, the most columns whose sums stay in registers, and
//   template <int columns> static void strip(float* out, std::size_t out_stride,
//                                            const std::byte* strip, int cols, const Columns& x);
// Everything is a member of the template, so that no ISA's copy can stand in for another's.
#pragma once

#include <cstddef>

#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu {

template <class Kernel>
struct IntegerMatmul {
  /// Column c.
  static const ActivationBlock* blocks_of(const Columns& x, int c) noexcept {
    return reinterpret_cast<const ActivationBlock*>(x.data +
                                                    static_cast<std::size_t>(c) * x.stride);
  }

  /// Takes columns from `c` on in blocks of `columns`, then the rest in smaller blocks.
  template <int columns>
  static void strip_from(int c, float* out, std::size_t out_stride, const std::byte* strip,
                         int cols, const Columns& x) noexcept {
    for (; c + columns <= x.count; c += columns) {
      const Columns some = {x.data + static_cast<std::size_t>(c) * x.stride, columns, x.stride};
      Kernel::template strip<columns>(out + static_cast<std::size_t>(c) * out_stride, out_stride,
                                      strip, cols, some);
    }
    if constexpr (columns > 1) strip_from<columns / 2>(c, out, out_stride, strip, cols, x);
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    for (int s = 0; s < w.count; ++s) {
      strip_from<Kernel::kColumns>(0, out + 16 * static_cast<std::size_t>(s), out_stride,
                                   w.data + static_cast<std::size_t>(s) * w.strip_bytes, w.cols, x);
    }
  }
};

}  // namespace gemma2::cpu
