// SPDX-License-Identifier: Apache-2.0
//
// Q6_K with SMMLA, which multiplies two rows x eight k with eight k x two columns: twice the
// products of SDOT. Few columns: q6_k_dot.h. Many: from a panel (panel_matmul.h) whose registers
// hold eight k of two rows, 16 rows x 2 columns at a time: t 8, scaled 8, sums of a group 2,
// weights 2, activations 2, sub-scales 1. A sum is [row 0 column 0, row 0 column 1, row 1 column 0,
// row 1 column 1], so scales stand twice in the panel.
//
// For each group and two columns 22 loads, 16 SMMLA, 4 UZP1, 8 SMLAL and 2 ZIP yield 512 products.
// As the sub-scales of 16 cost what they cost, that is 142 instructions (gcc 12) for 32 k where
// SDOT takes 145.
#include "kernels/cpu/neon/panel_matmul.h"
#include "kernels/cpu/neon/q6_k_dot.h"
#include "kernels/cpu/neon/row_pairs.h"

namespace gemma2::cpu::neon_i8mm {
namespace {

struct Level {};

struct Q6Panel {
  struct Panel {
    std::int8_t weight[16][8][2][16];  // [group][two rows][eight k][row, k], -32 .. 31
    std::int16_t sub_scale[16][32];    // each twice
    float d[32];                       // each twice
  };

  static void unpack(Panel& panel, const std::byte* strip, int cols, int tile) noexcept {
    const std::byte* at =
        strip + q6_k_tiles_offset(cols) + static_cast<std::size_t>(tile) * kQ6TileBytes;
    for (int g = 0; g < 16; ++g) {
      const neon::Q6Group group = neon::q6_group(at, g);
      const int8x16_t scales = vld1q_s8(group.scales);
      neon::store_twice(panel.sub_scale[g], vmovl_s8(vget_low_s8(scales)));
      neon::store_twice(panel.sub_scale[g] + 16, vmovl_high_s8(scales));
      for (int r = 0; r < 4; ++r) {
        const neon::Q6Rows rows = neon::unpack_q6_rows(group.weights + 16 * r);
        for (int octet = 0; octet < 2; ++octet) {
          neon::store_row_pairs(panel.weight[g][2 * r][octet], panel.weight[g][2 * r + 1][octet],
                                neon::signed_q6(rows.quad[2 * octet]),
                                neon::signed_q6(rows.quad[2 * octet + 1]));
        }
      }
    }
    for (int r = 0; r < 4; ++r) {
      const std::byte* d = strip + 32 * static_cast<std::size_t>(tile) + 8 * r;
      neon::store_twice(panel.d + 8 * r, neon::load_four_f16(d));
    }
  }

  /// scaled += sub-scale times the products of group g with two columns.
  [[gnu::always_inline]] static void multiply_group(int32x4_t (&scaled)[8], const Panel& panel,
                                                    int g, const ActivationBlock& x0,
                                                    const ActivationBlock& x1) noexcept {
    const neon::ColumnPair x(x0.value + 16 * g, x1.value + 16 * g);
    for (int p = 0; p < 8; p += 2) {
      int32x4_t sum[2];
      for (int i = 0; i < 2; ++i) {
        const std::int8_t(&weight)[2][16] = panel.weight[g][p + i];
        sum[i] = vmmlaq_s32(vdupq_n_s32(0), vld1q_s8(weight[0]), x.octet[0]);
        sum[i] = vmmlaq_s32(sum[i], vld1q_s8(weight[1]), x.octet[1]);
      }
      neon::add_scaled(scaled[p], scaled[p + 1], neon::narrow(sum[0], sum[1]),
                       vld1q_s16(panel.sub_scale[g] + 4 * p));
    }
  }

  static void multiply(float32x4_t (&sum)[8], const Panel& panel, const ActivationBlock& x0,
                       const ActivationBlock& x1) noexcept {
    float32x4_t t[8];
    for (float32x4_t& v : t) v = vdupq_n_f32(0.0F);
    for (int b = 0; b < 8; ++b) {
      int32x4_t scaled[8] = {};
      multiply_group(scaled, panel, 2 * b, x0, x1);
      multiply_group(scaled, panel, 2 * b + 1, x0, x1);
      const float32x4_t scale = neon::alternate(x0.scale[b], x1.scale[b]);
      for (int p = 0; p < 8; ++p) t[p] = vfmaq_f32(t[p], vcvtq_f32_s32(scaled[p]), scale);
    }
    for (int p = 0; p < 8; ++p) sum[p] = vfmaq_f32(sum[p], vld1q_f32(panel.d + 4 * p), t[p]);
  }

  static void store(float* out0, float* out1, const float32x4_t (&sum)[8]) noexcept {
    neon::store_columns(out0, out1, sum);
  }
};

}  // namespace

void install_q6_k_i8mm(KernelTable& table) {
  table.format[static_cast<int>(DType::q6_k)].matmul =
      neon::FewOrManyColumns<neon::Q6Dot<Level>, Q6Panel>::matmul;
}

}  // namespace gemma2::cpu::neon_i8mm
