// SPDX-License-Identifier: Apache-2.0
//
// Integer products with many columns: a tile of 256 k of a strip is unpacked once into a panel of
// 4 KB, which stays in the first-level cache while two columns after two read it. Loads have ports
// of their own, so a register tile of 16 rows x 2 columns that reads its weights from the panel is
// bound by its multiplications, and unpacking costs what one column in 64 costs.
//
// A Kernel has
//   struct Panel;
//   static void unpack(Panel& panel, const std::byte* strip, int cols, int tile);
//   static void multiply(float32x4_t (&sum)[8], const Panel& panel, const ActivationBlock& x0,
//                        const ActivationBlock& x1);
//   static void store(float* out0, float* out1, const float32x4_t (&sum)[8]);
// where the order of the 16 x 2 sums is the Kernel's own. As in integer_matmul.h, everything is a
// member of the template.
#pragma once

#include "kernels/cpu/integer_matmul.h"
#include "kernels/cpu/neon/products.h"

namespace gemma2::cpu::neon {

template <class Kernel>
struct PanelMatmul {
  static constexpr int kMaxPairs = 32;  // of columns for each unpacking; their sums take 4 KB

  /// Columns 2 * p and 2 * p + 1; a last one without a partner is paired with itself.
  static int partner(const Columns& x, int p) noexcept {
    return 2 * p + 1 < x.count ? 2 * p + 1 : 2 * p;
  }

  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const int pairs = (x.count + 1) / 2;
    const int tiles = (cols + kActivationBlock - 1) / kActivationBlock;
    float32x4_t sum[kMaxPairs][8];
    for (int p = 0; p < pairs; ++p) {
      for (float32x4_t& s : sum[p]) s = vdupq_n_f32(0.0F);
    }
    typename Kernel::Panel panel;
    for (int tile = 0; tile < tiles; ++tile) {
      Kernel::unpack(panel, strip, cols, tile);
      for (int p = 0; p < pairs; ++p) {
        Kernel::multiply(sum[p], panel, IntegerMatmul<Kernel>::blocks_of(x, 2 * p)[tile],
                         IntegerMatmul<Kernel>::blocks_of(x, partner(x, p))[tile]);
      }
    }
    for (int p = 0; p < pairs; ++p) {
      Kernel::store(out + static_cast<std::size_t>(2 * p) * out_stride,
                    out + static_cast<std::size_t>(partner(x, p)) * out_stride, sum[p]);
    }
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    for (int s = 0; s < w.count; ++s) {
      const std::byte* data = w.data + static_cast<std::size_t>(s) * w.strip_bytes;
      for (int c = 0; c < x.count; c += 2 * kMaxPairs) {
        const int count = x.count - c < 2 * kMaxPairs ? x.count - c : 2 * kMaxPairs;
        strip(out + static_cast<std::size_t>(c) * out_stride + 16 * static_cast<std::size_t>(s),
              out_stride, data, w.cols,
              {x.data + static_cast<std::size_t>(c) * x.stride, count, x.stride});
      }
    }
  }
};

/// Few columns by a kernel of IntegerMatmul, more by one of PanelMatmul. With four columns, two
/// pairs share what unpacking into the panel costs over unpacking into registers.
template <class Few, class Many>
struct FewOrManyColumns {
  static constexpr int kMany = 4;

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    if (x.count < kMany) {
      IntegerMatmul<Few>::matmul(out, out_stride, w, x);
    } else {
      PanelMatmul<Many>::matmul(out, out_stride, w, x);
    }
  }
};

}  // namespace gemma2::cpu::neon
