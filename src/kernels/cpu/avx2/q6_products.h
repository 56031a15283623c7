// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times 8-bit activations. Lane = row: a register holds four k of eight rows, and nothing is
// ever summed across lanes (q6_tile.h has the arithmetic).
//
// Up to three columns multiply what they unpack in registers (q6_stream.h), more go through a panel
// (q6_panel.h).
#pragma once

#include "kernels/cpu/avx2/q6_panel.h"
#include "kernels/cpu/avx2/q6_stream.h"

namespace gemma2::cpu::avx2 {

template <class Dot>
struct Q6Products {
  static constexpr int kPanelStrips = 2;  // panels that one pass over the columns serves

  /// All columns from `c` on, in blocks of `columns`, then the rest in smaller blocks.
  template <int columns>
  static void pass_columns(int c, float* out, std::size_t out_stride, Q6Panel<Dot>* panels,
                           int strips, const Columns& x, int block) noexcept {
    for (; c + columns <= x.count; c += columns) {
      const ActivationBlock* column[columns];
      for (int i = 0; i < columns; ++i) column[i] = blocks_of(x, c + i) + block;
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      for (int s = 0; s < strips; ++s) {
        panels[s].template multiply<columns>(to + kStripRows * s, out_stride, column, block == 0);
      }
    }
    if constexpr (columns > 1) {
      pass_columns<columns / 2>(c, out, out_stride, panels, strips, x, block);
    }
  }

  static void multiply_many(float* out, std::size_t out_stride, const Strips& w,
                            const Columns& x) noexcept {
    Q6Panel<Dot> panels[kPanelStrips];
    for (int first = 0; first < w.count; first += kPanelStrips) {
      const int strips = w.count - first < kPanelStrips ? w.count - first : kPanelStrips;
      for (int block = 0; block < w.cols / kQ6Block; ++block) {
        for (int s = 0; s < strips; ++s) {
          const std::byte* strip = w.data + static_cast<std::size_t>(first + s) * w.strip_bytes;
          const std::byte* tile =
              strip + q6_k_tiles_offset(w.cols) + static_cast<std::size_t>(block) * kQ6TileBytes;
          const bool last = block + 1 == w.cols / kQ6Block;
          panels[s].unpack(tile, strip + 32 * static_cast<std::size_t>(block),
                           last ? strip + kPanelStrips * w.strip_bytes : tile + kQ6TileBytes);
        }
        pass_columns<4>(0, out + kStripRows * first, out_stride, panels, strips, x, block);
      }
    }
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    switch (x.count) {
      case 1:
        return Q6Stream<Dot, 1>::matmul(out, out_stride, w, x);
      case 2:
        return Q6Stream<Dot, 2>::matmul(out, out_stride, w, x);
      case 3:
        return Q6Stream<Dot, 3>::matmul(out, out_stride, w, x);
      default:
        return multiply_many(out, out_stride, w, x);
    }
  }
};

}  // namespace gemma2::cpu::avx2
