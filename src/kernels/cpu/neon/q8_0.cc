// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 times 8-bit activations with SMULL and SMLAL, for processors without dot products; lane =
// row as in q6_k.cc. Two products of 128 * 127 fit in 16 bits, a third does not, so pairs of quads
// are widened with SADALP before the next pair. ADDP brings the two halves of a row together at the
// end of each block.
//
// Eight rows at a time, in registers for two columns: sums 8 as float, products 8 in 32 bits, a
// pair of quads 4, activations 2. For each pair of quads, four rows and column 4 multiplications, 2
// SADALP and 2 DUP yield 32 products.
#include <cstring>

#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/integer_matmul.h"
#include "kernels/cpu/neon/lanes.h"
#include "kernels/cpu/neon/products.h"

namespace gemma2::cpu::neon {
namespace {

/// Four activations for each of four rows.
inline int8x16_t broadcast_quad(const std::int8_t* x) noexcept {
  std::int32_t word = 0;
  std::memcpy(&word, x, sizeof(word));
  return vreinterpretq_s8_s32(vdupq_n_s32(word));
}

struct Q8Kernel {
  static constexpr int kColumns = 2;

  /// products[c][r] = four rows of 32 k times column c. `quads`: the eight rows' first quad.
  template <int columns>
  static void multiply_block(int32x4_t (&products)[columns][2], const std::byte* quads,
                             const std::int8_t* const (&x)[columns]) noexcept {
    int32x4_t halves[columns][2][2] = {};  // [column][four rows][two rows, two halves of each]
    for (int q = 0; q < 8; q += 2) {
      for (int r = 0; r < 2; ++r) {
        const int8x16_t even = load_q8_weights(quads + 64 * q + 16 * r);
        const int8x16_t odd = load_q8_weights(quads + 64 * q + 64 + 16 * r);
        for (int c = 0; c < columns; ++c) {
          const int8x16_t x_even = broadcast_quad(x[c] + 4 * q);
          const int8x16_t x_odd = broadcast_quad(x[c] + 4 * q + 4);
          const int16x8_t low = vmlal_s8(vmull_s8(vget_low_s8(even), vget_low_s8(x_even)),
                                         vget_low_s8(odd), vget_low_s8(x_odd));
          const int16x8_t high = vmlal_high_s8(vmull_high_s8(even, x_even), odd, x_odd);
          halves[c][r][0] = vpadalq_s16(halves[c][r][0], low);
          halves[c][r][1] = vpadalq_s16(halves[c][r][1], high);
        }
      }
    }
    for (int c = 0; c < columns; ++c) {
      for (int r = 0; r < 2; ++r) products[c][r] = vpaddq_s32(halves[c][r][0], halves[c][r][1]);
    }
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    float32x4_t sum[2][columns][2] = {};
    for (int k = 0; k < cols; k += 32) {
      const std::byte* frame = strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
      const int in_frame = k % kQ8FrameCols / 32;
      if (columns == 1 && in_frame == 0) prefetch(frame, kQ8FrameBytes);
      const int b = k % kActivationBlock / 32;
      const std::int8_t* values[columns];
      float x_scale[columns];
      for (int c = 0; c < columns; ++c) {
        const ActivationBlock& block =
            IntegerMatmul<Q8Kernel>::blocks_of(x, c)[k / kActivationBlock];
        values[c] = block.value + 32 * b;
        x_scale[c] = block.scale[b];
      }
      for (int half = 0; half < 2; ++half) {
        int32x4_t products[columns][2];
        multiply_block<columns>(products, frame + kQ8ScaleBytes + 512 * in_frame + 32 * half,
                                values);
        for (int r = 0; r < 2; ++r) {
          const float32x4_t d = load_four_f16(frame + 32 * in_frame + 16 * half + 8 * r);
          for (int c = 0; c < columns; ++c) {
            const float32x4_t scale = vmulq_n_f32(d, x_scale[c]);
            sum[half][c][r] = vfmaq_f32(sum[half][c][r], vcvtq_f32_s32(products[c][r]), scale);
          }
        }
      }
    }
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(c) * out_stride;
      for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, sum[i / 2][c][i % 2]);
    }
  }
};

}  // namespace

void install_q8_0(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::q8_0)];
  kernels.matmul = IntegerMatmul<Q8Kernel>::matmul;
  kernels.matmul_f32 = FloatMatmul<Lanes, Q8Decoder, 1, 4, 2>::matmul;
}

}  // namespace gemma2::cpu::neon
