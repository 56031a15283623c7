// SPDX-License-Identifier: Apache-2.0
//
// Q6_K with SDOT. Few columns: q6_k_dot.h. Many: from a panel of signed weights (panel_matmul.h),
// 16 rows x 2 columns in registers: t 8, scaled 8, sums of a group 4, weights 4, activations 2,
// sub-scales 2. For each group and two columns 18 loads, 32 SDOT, 4 UZP1 and 8 SMLAL yield 512
// products.
#include "kernels/cpu/neon/panel_matmul.h"
#include "kernels/cpu/neon/q6_k_dot.h"

namespace gemma2::cpu::neon_dotprod {
namespace {

struct Level {};

struct Q6Panel {
  struct Panel {
    std::int8_t weight[16][4][4][16];  // [group][four rows][quad], -32 .. 31
    std::int16_t sub_scale[16][16];
    float d[16];
  };

  static void unpack(Panel& panel, const std::byte* strip, int cols, int tile) noexcept {
    const std::byte* at =
        strip + q6_k_tiles_offset(cols) + static_cast<std::size_t>(tile) * kQ6TileBytes;
    for (int g = 0; g < 16; ++g) {
      const neon::Q6Group group = neon::q6_group(at, g);
      const int8x16_t scales = vld1q_s8(group.scales);
      vst1q_s16(panel.sub_scale[g], vmovl_s8(vget_low_s8(scales)));
      vst1q_s16(panel.sub_scale[g] + 8, vmovl_high_s8(scales));
      for (int r = 0; r < 4; ++r) {
        const neon::Q6Rows rows = neon::unpack_q6_rows(group.weights + 16 * r);
        for (int q = 0; q < 4; ++q) {
          vst1q_s8(panel.weight[g][r][q], neon::signed_q6(rows.quad[q]));
        }
      }
    }
    for (int r = 0; r < 4; ++r) {
      const std::byte* d = strip + 32 * static_cast<std::size_t>(tile) + 8 * r;
      vst1q_f32(panel.d + 4 * r, neon::load_four_f16(d));
    }
  }

  /// Sums of eight rows of a group times two columns, in the order of the rows.
  struct Sums {
    int16x8_t of[2];
  };
  [[gnu::always_inline]] static Sums dot(const std::int8_t (&weight)[4][4][16], int half,
                                         int8x16_t x0, int8x16_t x1) noexcept {
    int32x4_t sum[2][2];
    for (int r = 0; r < 2; ++r) {
      const std::int8_t(&rows)[4][16] = weight[2 * half + r];
      const int8x16_t quad[4] = {vld1q_s8(rows[0]), vld1q_s8(rows[1]), vld1q_s8(rows[2]),
                                 vld1q_s8(rows[3])};
      for (int c = 0; c < 2; ++c) {
        const int8x16_t x = c == 0 ? x0 : x1;
        int32x4_t s = vdotq_laneq_s32(vdupq_n_s32(0), quad[0], x, 0);
        s = vdotq_laneq_s32(s, quad[1], x, 1);
        s = vdotq_laneq_s32(s, quad[2], x, 2);
        sum[c][r] = vdotq_laneq_s32(s, quad[3], x, 3);
      }
    }
    return {{neon::narrow(sum[0][0], sum[0][1]), neon::narrow(sum[1][0], sum[1][1])}};
  }

  /// scaled[c] += sub-scale times the products of group g with column c.
  [[gnu::always_inline]] static void multiply_group(int32x4_t (&scaled)[2][4], const Panel& panel,
                                                    int g, const ActivationBlock& x0,
                                                    const ActivationBlock& x1) noexcept {
    const int8x16_t values0 = vld1q_s8(x0.value + 16 * g);
    const int8x16_t values1 = vld1q_s8(x1.value + 16 * g);
    for (int half = 0; half < 2; ++half) {
      const Sums sums = dot(panel.weight[g], half, values0, values1);
      const int16x8_t scale = vld1q_s16(panel.sub_scale[g] + 8 * half);
      for (int c = 0; c < 2; ++c) {
        neon::add_scaled(scaled[c][2 * half], scaled[c][2 * half + 1], sums.of[c], scale);
      }
    }
  }

  /// sum[4 * c + r]: column c, four rows.
  static void multiply(float32x4_t (&sum)[8], const Panel& panel, const ActivationBlock& x0,
                       const ActivationBlock& x1) noexcept {
    float32x4_t t[8];
    for (float32x4_t& v : t) v = vdupq_n_f32(0.0F);
    for (int b = 0; b < 8; ++b) {
      int32x4_t scaled[2][4] = {};
      multiply_group(scaled, panel, 2 * b, x0, x1);
      multiply_group(scaled, panel, 2 * b + 1, x0, x1);
      for (int r = 0; r < 4; ++r) {
        t[r] = vfmaq_n_f32(t[r], vcvtq_f32_s32(scaled[0][r]), x0.scale[b]);
        t[4 + r] = vfmaq_n_f32(t[4 + r], vcvtq_f32_s32(scaled[1][r]), x1.scale[b]);
      }
    }
    for (int i = 0; i < 8; ++i) sum[i] = vfmaq_f32(sum[i], vld1q_f32(panel.d + i % 4 * 4), t[i]);
  }

  static void store(float* out0, float* out1, const float32x4_t (&sum)[8]) noexcept {
    for (int r = 0; r < 4; ++r) {
      vst1q_f32(out0 + 4 * r, sum[r]);
      vst1q_f32(out1 + 4 * r, sum[4 + r]);
    }
  }
};

}  // namespace

void install_q6_k_dotprod(KernelTable& table) {
  table.format[static_cast<int>(DType::q6_k)].matmul =
      neon::FewOrManyColumns<neon::Q6Dot<Level>, Q6Panel>::matmul;
}

}  // namespace gemma2::cpu::neon_dotprod
