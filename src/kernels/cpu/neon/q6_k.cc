// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times 8-bit activations with SMULL and SMLAL, for processors without dot products
// (Cortex-A53, A57, A72). Lane = row: a register holds four k of four rows.
//
// Six-bit weights stay unsigned and products add up in 16 bits: over the four quads of a group with
// SMLAL, over the four k of a row with two ADDP, which also bring eight rows into the order of
// their sub-scales. All of it may wrap: with the offset of 32 taken off, the sum of a group is at
// most 32 * 1023 in size (quant/activation_block.h), so arithmetic modulo 2^16 leaves it exact.
//
// Eight rows at a time, in registers for four columns: t 8, scaled 8, a group's quads 8, products
// 4, activations 2, sub-scales 1. For each group and column 16 multiplications, 3 ADDP, 4 DUP, 1
// ADD and 2 SMLAL yield 128 products. Bytes read for each output: cols * 210 / 256.
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/integer_matmul.h"
#include "kernels/cpu/neon/lanes.h"
#include "kernels/cpu/neon/products.h"

namespace gemma2::cpu::neon {
namespace {

/// Eight rows of a group.
struct Group {
  Q6Rows rows[2];
};

/// Sums over a group of 16 k of eight rows, in the order of the rows.
inline int16x8_t group_sums(const Group& group, int8x16_t x, const std::int16_t* offset) noexcept {
  const int32x4_t words = vreinterpretq_s32_s8(x);
  const int8x16_t quad[4] = {vreinterpretq_s8_s32(vdupq_laneq_s32(words, 0)),
                             vreinterpretq_s8_s32(vdupq_laneq_s32(words, 1)),
                             vreinterpretq_s8_s32(vdupq_laneq_s32(words, 2)),
                             vreinterpretq_s8_s32(vdupq_laneq_s32(words, 3))};
  int16x8_t pairs[2];
  for (int r = 0; r < 2; ++r) {
    const auto weights = [&](int q) { return vreinterpretq_s8_u8(group.rows[r].quad[q]); };
    int16x8_t low = vmull_s8(vget_low_s8(weights(0)), vget_low_s8(quad[0]));
    int16x8_t high = vmull_high_s8(weights(0), quad[0]);
    for (int q = 1; q < 4; ++q) {
      low = vmlal_s8(low, vget_low_s8(weights(q)), vget_low_s8(quad[q]));
      high = vmlal_high_s8(high, weights(q), quad[q]);
    }
    pairs[r] = vpaddq_s16(low, high);
  }
  return vaddq_s16(vpaddq_s16(pairs[0], pairs[1]), vld1q_dup_s16(offset));
}

/// -32 * sum of each of a block's 16 groups, modulo 2^16.
inline void offsets_of(std::int16_t (&offset)[16], const ActivationBlock& x) noexcept {
  for (int i = 0; i < 16; i += 4) {
    vst1_s16(offset + i, vneg_s16(vshl_n_s16(vmovn_s32(vld1q_s32(x.sum + i)), 5)));
  }
}

struct Q6Kernel {
  static constexpr int kColumns = 4;

  /// t[c] += the products of eight rows of 32 k, the b-th of a tile, with column c.
  template <int columns>
  static void multiply_block(float32x4_t (&t)[columns][2], const std::byte* tile, int b, int half,
                             const ActivationBlock* const (&x)[columns],
                             const std::int16_t (&offset)[columns][16]) noexcept {
    int32x4_t scaled[columns][2] = {};
    for (int g = 2 * b; g < 2 * b + 2; ++g) {
      const Q6Group at = q6_group(tile, g);
      const std::byte* weights = at.weights + 32 * half;
      const Group group = {{unpack_q6_rows(weights), unpack_q6_rows(weights + 16)}};
      const int16x8_t scale = vmovl_s8(vld1_s8(at.scales + 8 * half));
      for (int c = 0; c < columns; ++c) {
        const int16x8_t sums = group_sums(group, vld1q_s8(x[c]->value + 16 * g), offset[c] + g);
        add_scaled(scaled[c][0], scaled[c][1], sums, scale);
      }
    }
    for (int c = 0; c < columns; ++c) {
      for (int r = 0; r < 2; ++r) {
        t[c][r] = vfmaq_n_f32(t[c][r], vcvtq_f32_s32(scaled[c][r]), x[c]->scale[b]);
      }
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const ActivationBlock* column[columns];
    for (int c = 0; c < columns; ++c) column[c] = IntegerMatmul<Q6Kernel>::blocks_of(x, c);
    float32x4_t sum[2][columns][2] = {};
    const std::byte* tile = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block, tile += kQ6TileBytes) {
      std::int16_t offset[columns][16];
      for (int c = 0; c < columns; ++c) offsets_of(offset[c], *column[c]);
      for (int half = 0; half < 2; ++half) {
        float32x4_t t[columns][2] = {};
        for (int b = 0; b < 8; ++b) {
          // The 52 lines of a tile further ahead, spread over its sixteen halves of blocks.
          if (columns == 1) prefetch(tile + (8 * half + b) * 208, 208);
          multiply_block<columns>(t, tile, b, half, column, offset);
        }
        const std::byte* d = strip + 32 * static_cast<std::size_t>(block) + 16 * half;
        for (int c = 0; c < columns; ++c) {
          sum[half][c][0] = vfmaq_f32(sum[half][c][0], load_four_f16(d), t[c][0]);
          sum[half][c][1] = vfmaq_f32(sum[half][c][1], load_four_f16(d + 8), t[c][1]);
        }
      }
      for (const ActivationBlock*& c : column) ++c;
    }
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, sum[i / 2][c][i % 2]);
    }
  }
};

}  // namespace

void install_q6_k(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q6_k)];
  kernels.matmul = IntegerMatmul<Q6Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q6Decoder, 1, 4, 2>::matmul;
}

}  // namespace gemma2::cpu::neon
