// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 times 8-bit activations with SDOT, for the levels that have it; each has its own copy, named
// by its Level. The plan of q6_k_dot.h without the unpacking: one EOR makes a stored weight signed,
// and SDOT takes signed bytes on both sides, so there is no offset to take off.
//
// Four rows at a time, in registers for four columns: float sums 16, products 4, weights 4,
// activations 4. For each quad, four rows and four columns one load, one EOR and 4 SDOT yield 64
// products; for each 32 k the three roundings that the law asks for.
#pragma once

#include "kernels/cpu/integer_matmul.h"
#include "kernels/cpu/neon/products.h"

namespace gemma2::cpu::neon {

template <class Level>
struct Q8Dot {
  static constexpr int kColumns = 4;

  /// products[c] += four rows of 16 k times x[c]. `quads`: the rows' first quad.
  template <int columns>
  [[gnu::always_inline]] static void multiply_quads(int32x4_t (&products)[columns],
                                                    const std::byte* quads,
                                                    const int8x16_t (&x)[columns]) noexcept {
    const int8x16_t weights[4] = {load_q8_weights(quads), load_q8_weights(quads + 64),
                                  load_q8_weights(quads + 128), load_q8_weights(quads + 192)};
    for (int c = 0; c < columns; ++c) {
      products[c] = vdotq_laneq_s32(products[c], weights[0], x[c], 0);
      products[c] = vdotq_laneq_s32(products[c], weights[1], x[c], 1);
      products[c] = vdotq_laneq_s32(products[c], weights[2], x[c], 2);
      products[c] = vdotq_laneq_s32(products[c], weights[3], x[c], 3);
    }
  }

  /// sum[c][r] += the products of four rows of 32 k with column c; r = 0 .. 3.
  template <int columns>
  [[gnu::always_inline]] static void multiply_block(float32x4_t (&sum)[columns][4],
                                                    const std::byte* scales, const std::byte* quads,
                                                    const std::int8_t* const (&values)[columns],
                                                    const float (&x_scale)[columns]) noexcept {
    for (int r = 0; r < 4; ++r) {
      int32x4_t products[columns];
      for (int32x4_t& p : products) p = vdupq_n_s32(0);
      for (int part = 0; part < 2; ++part) {
        int8x16_t x[columns];
        for (int c = 0; c < columns; ++c) x[c] = vld1q_s8(values[c] + 16 * part);
        multiply_quads<columns>(products, quads + 256 * part + 16 * r, x);
      }
      const float32x4_t d = load_four_f16(scales + 8 * r);
      for (int c = 0; c < columns; ++c) {
        const float32x4_t scale = vmulq_n_f32(d, x_scale[c]);
        sum[c][r] = vfmaq_f32(sum[c][r], vcvtq_f32_s32(products[c]), scale);
      }
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    float32x4_t sum[columns][4] = {};
    for (int k = 0; k < cols; k += 32) {
      const std::byte* frame = strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
      const int in_frame = k % kQ8FrameCols / 32;
      if (columns == 1 && in_frame == 0) prefetch(frame, kQ8FrameBytes);
      const int b = k % kActivationBlock / 32;
      const std::int8_t* values[columns];
      float x_scale[columns];
      for (int c = 0; c < columns; ++c) {
        const ActivationBlock& block = IntegerMatmul<Q8Dot>::blocks_of(x, c)[k / kActivationBlock];
        values[c] = block.value + 32 * b;
        x_scale[c] = block.scale[b];
      }
      multiply_block<columns>(sum, frame + 32 * in_frame, frame + kQ8ScaleBytes + 512 * in_frame,
                              values, x_scale);
    }
    for (int c = 0; c < columns; ++c) {
      for (int r = 0; r < 4; ++r) {
        vst1q_f32(out + static_cast<std::size_t>(c) * out_stride + 4 * r, sum[c][r]);
      }
    }
  }
};

}  // namespace gemma2::cpu::neon
