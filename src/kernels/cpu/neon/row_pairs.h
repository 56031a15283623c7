// SPDX-License-Identifier: Apache-2.0
//
// Registers as SMMLA reads and writes them: two rows x eight k, two columns x eight k, and sums of
// two rows x two columns. Inlined by force, see products.h.
#pragma once

#include <cstdint>

#include <arm_neon.h>

namespace gemma2::cpu::neon {

/// Two quads of four rows -> eight k of rows 0 and 1, and of rows 2 and 3.
[[gnu::always_inline]] inline void store_row_pairs(std::int8_t* rows01, std::int8_t* rows23,
                                                   int8x16_t quad0, int8x16_t quad1) noexcept {
  const int32x4_t first = vreinterpretq_s32_s8(quad0);
  const int32x4_t second = vreinterpretq_s32_s8(quad1);
  vst1q_s8(rows01, vreinterpretq_s8_s32(vzip1q_s32(first, second)));
  vst1q_s8(rows23, vreinterpretq_s8_s32(vzip2q_s32(first, second)));
}

/// 16 k of two columns.
struct ColumnPair {
  int8x16_t octet[2];

  [[gnu::always_inline]] ColumnPair(const std::int8_t* x0, const std::int8_t* x1) noexcept {
    const int64x2_t first = vreinterpretq_s64_s8(vld1q_s8(x0));
    const int64x2_t second = vreinterpretq_s64_s8(vld1q_s8(x1));
    octet[0] = vreinterpretq_s8_s64(vzip1q_s64(first, second));
    octet[1] = vreinterpretq_s8_s64(vzip2q_s64(first, second));
  }
};

/// Row scales for sums of two rows x two columns.
[[gnu::always_inline]] inline void store_twice(std::int16_t* to, int16x8_t scale) noexcept {
  vst1q_s16(to, vzip1q_s16(scale, scale));
  vst1q_s16(to + 8, vzip2q_s16(scale, scale));
}
[[gnu::always_inline]] inline void store_twice(float* to, float32x4_t scale) noexcept {
  vst1q_f32(to, vzip1q_f32(scale, scale));
  vst1q_f32(to + 4, vzip2q_f32(scale, scale));
}

/// Column scales for them.
[[gnu::always_inline]] inline float32x4_t alternate(float x0, float x1) noexcept {
  return vzip1q_f32(vdupq_n_f32(x0), vdupq_n_f32(x1));
}

/// sum[p]: rows 2 * p and 2 * p + 1 of two columns.
[[gnu::always_inline]] inline void store_columns(float* out0, float* out1,
                                                 const float32x4_t (&sum)[8]) noexcept {
  for (int p = 0; p < 8; p += 2) {
    vst1q_f32(out0 + 2 * p, vuzp1q_f32(sum[p], sum[p + 1]));
    vst1q_f32(out1 + 2 * p, vuzp2q_f32(sum[p], sum[p + 1]));
  }
}

}  // namespace gemma2::cpu::neon
