// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 with SMMLA; q6_k_i8mm.cc explains the panel. Few columns: q8_0_dot.h. Many: 16 rows x 2
// columns in registers: float sums 8, products 8, weights 1, activations 4, scales 2. For each 32 k
// and two columns 44 loads, 32 SMMLA and 24 operations for scales and sums yield 1024 products.
#include "kernels/cpu/neon/panel_matmul.h"
#include "kernels/cpu/neon/q8_0_dot.h"
#include "kernels/cpu/neon/row_pairs.h"

namespace gemma2::cpu::neon_i8mm {
namespace {

struct Level {};

struct Q8Panel {
  struct Panel {
    std::int8_t weight[8][4][8][16];  // [32 k][eight k][two rows][row, k]
    float d[8][32];                   // each twice
    int blocks;                       // of 32 k; fewer than 8 in a last tile
  };

  static void unpack(Panel& panel, const std::byte* strip, int cols, int tile) noexcept {
    const int rest = cols - tile * kActivationBlock;
    panel.blocks = rest < kActivationBlock ? rest / 32 : 8;
    for (int b = 0; b < panel.blocks; ++b) {
      const int k = tile * kActivationBlock + 32 * b;
      const std::byte* frame = strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
      const int in_frame = k % kQ8FrameCols / 32;
      const std::byte* quads = frame + kQ8ScaleBytes + 512 * in_frame;
      for (int r = 0; r < 4; ++r) {
        for (int octet = 0; octet < 4; ++octet) {
          const std::byte* at = quads + 128 * octet + 16 * r;
          std::int8_t(&to)[8][16] = panel.weight[b][octet];
          neon::store_row_pairs(to[2 * r], to[2 * r + 1], neon::load_q8_weights(at),
                                neon::load_q8_weights(at + 64));
        }
        neon::store_twice(panel.d[b] + 8 * r, neon::load_four_f16(frame + 32 * in_frame + 8 * r));
      }
    }
  }

  static void multiply(float32x4_t (&sum)[8], const Panel& panel, const ActivationBlock& x0,
                       const ActivationBlock& x1) noexcept {
    float32x4_t total[8];
    for (int p = 0; p < 8; ++p) total[p] = sum[p];
    for (int b = 0; b < panel.blocks; ++b) {
      int32x4_t products[8] = {};
      for (int half = 0; half < 2; ++half) {
        const neon::ColumnPair x(x0.value + 32 * b + 16 * half, x1.value + 32 * b + 16 * half);
        for (int octet = 0; octet < 2; ++octet) {
          for (int p = 0; p < 8; ++p) {
            const int8x16_t weight = vld1q_s8(panel.weight[b][2 * half + octet][p]);
            products[p] = vmmlaq_s32(products[p], weight, x.octet[octet]);
          }
        }
      }
      const float32x4_t x_scale = neon::alternate(x0.scale[b], x1.scale[b]);
      for (int p = 0; p < 8; ++p) {
        const float32x4_t scale = vmulq_f32(vld1q_f32(panel.d[b] + 4 * p), x_scale);
        total[p] = vfmaq_f32(total[p], vcvtq_f32_s32(products[p]), scale);
      }
    }
    for (int p = 0; p < 8; ++p) sum[p] = total[p];
  }

  static void store(float* out0, float* out1, const float32x4_t (&sum)[8]) noexcept {
    neon::store_columns(out0, out1, sum);
  }
};

}  // namespace

void install_q8_0_i8mm(KernelTable& table) {
  table.format[static_cast<int>(DType::q8_0)].matmul =
      neon::FewOrManyColumns<neon::Q8Dot<Level>, Q8Panel>::matmul;
}

}  // namespace gemma2::cpu::neon_i8mm
