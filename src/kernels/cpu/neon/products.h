// SPDX-License-Identifier: Apache-2.0
//
// Packed weights in NEON registers, as the integer products of all levels of this folder read them.
// Compiled at every level, so everything is inlined by force: none may be handed another's copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include <arm_neon.h>

#include "quant/packed_strips.h"

namespace gemma2::cpu::neon {

/// quad[q]: four rows x four k, values 0 .. 63.
struct Q6Rows {
  uint8x16_t quad[4];
};

/// Four rows of a group; `at`: their bytes in plane 0. SRI puts two bits below those already in
/// place: six operations for 64 weights.
[[gnu::always_inline]] inline Q6Rows unpack_q6_rows(const std::byte* at) noexcept {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
  const uint8x16_t plane0 = vld1q_u8(bytes);
  const uint8x16_t plane1 = vld1q_u8(bytes + 64);
  const uint8x16_t plane2 = vld1q_u8(bytes + 128);
  const uint8x16_t six = vdupq_n_u8(0x3F);
  return {{vandq_u8(plane0, six), vandq_u8(plane1, six), vandq_u8(plane2, six),
           vsriq_n_u8(vsriq_n_u8(vshrq_n_u8(plane0, 2), plane1, 4), plane2, 6)}};
}

[[gnu::always_inline]] inline int8x16_t signed_q6(uint8x16_t six) noexcept {
  return vsubq_s8(vreinterpretq_s8_u8(six), vdupq_n_s8(32));
}

/// Two vectors of sums that fit in 16 bits, as those of a group do, one after the other.
[[gnu::always_inline]] inline int16x8_t narrow(int32x4_t first, int32x4_t second) noexcept {
  return vuzp1q_s16(vreinterpretq_s16_s32(first), vreinterpretq_s16_s32(second));
}

/// to0, to1 += sums * scale, the first four and the last four.
[[gnu::always_inline]] inline void add_scaled(int32x4_t& to0, int32x4_t& to1, int16x8_t sums,
                                              int16x8_t scale) noexcept {
  to0 = vmlal_s16(to0, vget_low_s16(sums), vget_low_s16(scale));
  to1 = vmlal_high_s16(to1, sums, scale);
}

/// Group g (0 .. 15) of a tile: its sub-scales (16 bytes) and its weights (three planes).
struct Q6Group {
  const std::int8_t* scales;
  const std::byte* weights;
};

[[gnu::always_inline]] inline Q6Group q6_group(const std::byte* tile, int g) noexcept {
  const auto index = static_cast<unsigned>(g);
  const std::byte* quarter = tile + index / 4 * kQ6QuarterBytes;
  return {reinterpret_cast<const std::int8_t*>(quarter) + index % 4 * 16,
          quarter + 64 + index % 4 * kQ6GroupBytes};
}

/// Four rows x four k of a quad of Q8_0, which is stored as value + 128.
[[gnu::always_inline]] inline int8x16_t load_q8_weights(const std::byte* at) noexcept {
  const uint8x16_t stored = vld1q_u8(reinterpret_cast<const std::uint8_t*>(at));
  return vreinterpretq_s8_u8(veorq_u8(stored, vdupq_n_u8(0x80)));
}

/// Four halves -> floats.
[[gnu::always_inline]] inline float32x4_t load_four_f16(const std::byte* from) noexcept {
  const uint16x4_t halves = vld1_u16(reinterpret_cast<const std::uint16_t*>(from));
  return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}

// Weights stream past once: asking for the lines this far ahead keeps the memory busy while the
// window is full of arithmetic. The distance has not been tuned on any machine.
inline constexpr std::size_t kPrefetchBytes = 4096;

[[gnu::always_inline]] inline void prefetch(const std::byte* at, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(at + kPrefetchBytes + i);
}

}  // namespace gemma2::cpu::neon
