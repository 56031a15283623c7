// SPDX-License-Identifier: Apache-2.0
//
// Sixteen floats in four NEON registers, lanes 4 * i .. 4 * i + 3 in v[i]. reference/lanes.h
// documents the operations. Thirty-two registers hold eight such vectors, so the shared loops keep
// at most four of them as sums.
//
// FMIN and FMAX order the zeros and let any NaN through, which the law does not; comparisons and
// selections do exactly what the reference says.
#pragma once

#include <cstddef>
#include <cstdint>

#include <arm_neon.h>

namespace gemma2::cpu::neon {

/// Applies f to the indices of four registers.
template <typename Result, typename F>
[[gnu::always_inline]] inline Result four(F f) noexcept {
  return {{f(0), f(1), f(2), f(3)}};
}

struct Bits {
  uint32x4_t v[4];

  static Bits load(const std::byte* from) noexcept {
    const auto* words = reinterpret_cast<const std::uint32_t*>(from);
    return four<Bits>([&](int i) { return vld1q_u32(words + 4 * i); });
  }
  static Bits load_int8(const std::byte* from) noexcept {
    const int8x16_t bytes = vld1q_s8(reinterpret_cast<const std::int8_t*>(from));
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
    const int16x8_t high = vmovl_high_s8(bytes);
    return {{vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(low))),
             vreinterpretq_u32_s32(vmovl_high_s16(low)),
             vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(high))),
             vreinterpretq_u32_s32(vmovl_high_s16(high))}};
  }
  template <int n>
  [[nodiscard]] Bits shift_left() const noexcept {
    return four<Bits>([&](int i) { return vshlq_n_u32(v[i], n); });
  }
  template <int n>
  [[nodiscard]] Bits shift_right() const noexcept {
    return four<Bits>([&](int i) { return vshrq_n_u32(v[i], n); });
  }
  [[nodiscard]] Bits operator&(std::uint32_t mask) const noexcept {
    return four<Bits>([&](int i) { return vandq_u32(v[i], vdupq_n_u32(mask)); });
  }
  friend Bits operator|(Bits a, Bits b) noexcept {
    return four<Bits>([&](int i) { return vorrq_u32(a.v[i], b.v[i]); });
  }
  friend Bits operator+(Bits a, Bits b) noexcept {
    return four<Bits>([&](int i) { return vaddq_u32(a.v[i], b.v[i]); });
  }
};

struct Lanes {
  using Bits = neon::Bits;
  static constexpr int kAccumulators = 6;
  float32x4_t v[4];

  static Lanes broadcast(float x) noexcept {
    return four<Lanes>([&](int) { return vdupq_n_f32(x); });
  }
  static Lanes load(const float* from) noexcept {
    return four<Lanes>([&](int i) { return vld1q_f32(from + 4 * i); });
  }
  void store(float* to) const noexcept {
    for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, v[i]);
  }

  static Lanes load_f16(const std::byte* from) noexcept {
    const auto* halves = reinterpret_cast<const std::uint16_t*>(from);
    return four<Lanes>([&](int i) { return widen(vld1_u16(halves + 4 * i)); });
  }
  static Lanes from_bits(Bits bits) noexcept {
    return four<Lanes>([&](int i) { return vreinterpretq_f32_u32(bits.v[i]); });
  }
  [[nodiscard]] Bits bits() const noexcept {
    return four<Bits>([&](int i) { return vreinterpretq_u32_f32(v[i]); });
  }
  static Lanes from_int(Bits bits) noexcept {
    return four<Lanes>([&](int i) { return vcvtq_f32_s32(vreinterpretq_s32_u32(bits.v[i])); });
  }
  static Lanes even_f16(Bits pairs) noexcept {
    return four<Lanes>([&](int i) { return widen(vmovn_u32(pairs.v[i])); });
  }
  static Lanes odd_f16(Bits pairs) noexcept {
    return four<Lanes>([&](int i) { return widen(vshrn_n_u32(pairs.v[i], 16)); });
  }

  friend Lanes operator+(Lanes a, Lanes b) noexcept {
    return four<Lanes>([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
  }
  friend Lanes operator-(Lanes a, Lanes b) noexcept {
    return four<Lanes>([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
  }
  friend Lanes operator*(Lanes a, Lanes b) noexcept {
    return four<Lanes>([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
  }
  friend Lanes operator/(Lanes a, Lanes b) noexcept {
    return four<Lanes>([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
  }
  static Lanes fma(Lanes a, Lanes b, Lanes c) noexcept {
    return four<Lanes>([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
  }
  static Lanes min(Lanes a, Lanes b) noexcept { return select_less(a, b, a, b); }
  static Lanes max(Lanes a, Lanes b) noexcept { return select_less(b, a, a, b); }
  static Lanes max_bits(Lanes a, Lanes b) noexcept {
    return four<Lanes>([&](int i) {
      return vreinterpretq_f32_s32(
          vmaxq_s32(vreinterpretq_s32_f32(a.v[i]), vreinterpretq_s32_f32(b.v[i])));
    });
  }
  static Lanes abs(Lanes a) noexcept {
    return four<Lanes>([&](int i) { return vabsq_f32(a.v[i]); });
  }
  static Lanes copysign(Lanes a, Lanes b) noexcept {
    return four<Lanes>([&](int i) { return vbslq_f32(vdupq_n_u32(0x80000000U), b.v[i], a.v[i]); });
  }
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) noexcept {
    return four<Lanes>(
        [&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), yes.v[i], no.v[i]); });
  }
  static bool all_less(Lanes a, Lanes b) noexcept {
    uint32x4_t all = vcltq_f32(a.v[0], b.v[0]);
    for (int i = 1; i < 4; ++i) all = vandq_u32(all, vcltq_f32(a.v[i], b.v[i]));
    return vminvq_u32(all) != 0;
  }
  static Lanes keep_range(Lanes a, int first, int last) noexcept {
    constexpr std::int32_t kLane[4] = {0, 1, 2, 3};
    const int32x4_t lane = vld1q_s32(kLane);
    return four<Lanes>([&](int i) {
      const uint32x4_t inside = vandq_u32(vcgeq_s32(lane, vdupq_n_s32(first - 4 * i)),
                                          vcltq_s32(lane, vdupq_n_s32(last - 4 * i)));
      return vreinterpretq_f32_u32(vandq_u32(inside, vreinterpretq_u32_f32(a.v[i])));
    });
  }
  void store_int8(std::int8_t* to) const noexcept {
    const auto words = [&](int i) {
      return vcombine_s16(vmovn_s32(vcvtq_s32_f32(v[i])), vmovn_s32(vcvtq_s32_f32(v[i + 1])));
    };
    vst1q_s8(to, vcombine_s8(vmovn_s16(words(0)), vmovn_s16(words(2))));
  }

 private:
  static float32x4_t widen(uint16x4_t halves) noexcept {
    return vcvt_f32_f16(vreinterpret_f16_u16(halves));
  }
};

}  // namespace gemma2::cpu::neon
