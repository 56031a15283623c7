// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times up to three columns of 8-bit activations with SDOT, weights unpacked in registers.
// Used by the levels with dot products; each has its own copy, named by its Level.
//
// SDOT by lane multiplies four k of four rows with four activations of one lane, so a vector of 16
// activations serves a whole group, and nothing is ever summed across lanes. The sums start at
// -32 * (sum of the activations), so the weights stay unsigned; they then fit in 16 bits (see
// quant/activation_block.h), and UZP1 brings eight rows into the order of their sub-scales for
// SMLAL, which older cores run twice as fast as the 32-bit MLA.
//
// Registers for two columns: t 8, scaled 8, eight rows of a group 8, sums 2, activations 1,
// sub-scales 1, constants 2; `sum` is touched once in a tile and may spill. For each group and
// column 16 SDOT, 2 UZP1 and 4 SMLAL yield 256 products; unpacking is 24 operations.
// Bytes read for each output: cols * 210 / 256.
#pragma once

#include "kernels/cpu/integer_matmul.h"
#include "kernels/cpu/neon/products.h"

namespace gemma2::cpu::neon {

template <class Level>
struct Q6Dot {
  static constexpr int kColumns = 2;

  /// Sums over a group of four rows, times 16 activations.
  [[gnu::always_inline]] static int32x4_t dot(int32x4_t sum, const Q6Rows& rows,
                                              int8x16_t x) noexcept {
    sum = vdotq_laneq_s32(sum, vreinterpretq_s8_u8(rows.quad[0]), x, 0);
    sum = vdotq_laneq_s32(sum, vreinterpretq_s8_u8(rows.quad[1]), x, 1);
    sum = vdotq_laneq_s32(sum, vreinterpretq_s8_u8(rows.quad[2]), x, 2);
    return vdotq_laneq_s32(sum, vreinterpretq_s8_u8(rows.quad[3]), x, 3);
  }

  /// scaled[c] += sub-scale times the products of 16 rows of group g with column c.
  template <int columns>
  [[gnu::always_inline]] static void multiply_group(
      int32x4_t (&scaled)[columns][4], const std::byte* tile, int g,
      const ActivationBlock* const (&x)[columns]) noexcept {
    const Q6Group group = q6_group(tile, g);
    const int8x16_t scales = vld1q_s8(group.scales);
    const int16x8_t scale[2] = {vmovl_s8(vget_low_s8(scales)), vmovl_high_s8(scales)};
    for (int half = 0; half < 2; ++half) {
      const Q6Rows upper = unpack_q6_rows(group.weights + 32 * half);
      const Q6Rows lower = unpack_q6_rows(group.weights + 32 * half + 16);
      for (int c = 0; c < columns; ++c) {
        const int8x16_t values = vld1q_s8(x[c]->value + 16 * g);
        const int32x4_t start = vdupq_n_s32(-32 * x[c]->sum[g]);
        const int16x8_t sums = narrow(dot(start, upper, values), dot(start, lower, values));
        add_scaled(scaled[c][2 * half], scaled[c][2 * half + 1], sums, scale[half]);
      }
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const ActivationBlock* column[columns];
    for (int c = 0; c < columns; ++c) column[c] = IntegerMatmul<Q6Dot>::blocks_of(x, c);
    float32x4_t sum[columns][4] = {};
    const std::byte* tile = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block, tile += kQ6TileBytes) {
      float32x4_t t[columns][4] = {};
      for (int b = 0; b < 8; ++b) {
        if (columns == 1) prefetch(tile + 416 * b, 416);
        int32x4_t scaled[columns][4] = {};
        multiply_group<columns>(scaled, tile, 2 * b, column);
        multiply_group<columns>(scaled, tile, 2 * b + 1, column);
        for (int c = 0; c < columns; ++c) {
          for (int i = 0; i < 4; ++i) {
            t[c][i] = vfmaq_n_f32(t[c][i], vcvtq_f32_s32(scaled[c][i]), column[c]->scale[b]);
          }
        }
      }
      const std::byte* d = strip + 32 * static_cast<std::size_t>(block);
      for (int c = 0; c < columns; ++c) {
        for (int i = 0; i < 4; ++i) {
          sum[c][i] = vfmaq_f32(sum[c][i], load_four_f16(d + 8 * i), t[c][i]);
        }
        ++column[c];
      }
    }
    for (int c = 0; c < columns; ++c) {
      for (int i = 0; i < 4; ++i) {
        vst1q_f32(out + static_cast<std::size_t>(c) * out_stride + 4 * i, sum[c][i]);
      }
    }
  }
};

}  // namespace gemma2::cpu::neon
