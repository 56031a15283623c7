// SPDX-License-Identifier: Apache-2.0
//
// The loops that touch each activation once: norms, soft cap, GeGLU, RoPE and the conversions to
// what the products read. Templates on a Lanes type; one instantiation an ISA.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/row_lanes.h"
#include "kernels/cpu/vector_math.h"
#include "quant/bf16.h"

namespace gemma2::cpu {

template <class L>
struct Elementwise {
  /// Calls body(index, count) for each run of at most 16 elements.
  template <typename Body>
  static void for_each_run(int n, Body body) noexcept {
    for (int i = 0; i < n; i += 16) body(i, n - i < 16 ? n - i : 16);
  }
  static L load(const float* from, int count) noexcept {
    return count == 16 ? L::load(from) : load_partial<L>(from, count);
  }
  static void store(float* to, L value, int count) noexcept {
    if (count == 16) {
      value.store(to);
    } else {
      store_partial(to, value, count);
    }
  }

  static float inverse_rms(const float* x, int n, float eps) noexcept {
    L sum = L::broadcast(0.0F);
    for_each_run(n, [&](int i, int count) {
      const L v = load(x + i, count);
      sum = L::fma(v, v, sum);
    });
    return 1.0F / std::sqrt(reduce_lanes(sum) / static_cast<float>(n) + eps);
  }

  static void rms_norm(float* out, const float* x, const float* scale, int n, float eps) noexcept {
    const L inverse = L::broadcast(inverse_rms(x, n, eps));
    for_each_run(n, [&](int i, int count) {
      store(out + i, (load(x + i, count) * inverse) * load(scale + i, count), count);
    });
  }

  static void rms_norm_add(float* residual, const float* x, const float* scale, int n,
                           float eps) noexcept {
    const L inverse = L::broadcast(inverse_rms(x, n, eps));
    for_each_run(n, [&](int i, int count) {
      const L normed = (load(x + i, count) * inverse) * load(scale + i, count);
      store(residual + i, load(residual + i, count) + normed, count);
    });
  }

  static void soft_cap(float* x, int n, float cap) noexcept {
    const L limit = L::broadcast(cap);
    const L inverse = L::broadcast(1.0F / cap);
    for_each_run(n, [&](int i, int count) {
      store(x + i, limit * tanh_lanes(load(x + i, count) * inverse), count);
    });
  }

  /// gelu(x) = x / (1 + exp(-2 y)), y = sqrt(2 / pi) (x + 0.044715 x^3): the tanh form without the
  /// cancellation of 1 + tanh(y) at negative x.
  static L gelu(L x) noexcept {
    // Below -100 the result is zero to any precision, but x / (1 + e^88) would not be.
    x = L::max(L::broadcast(-100.0F), x);
    const L cubic = L::fma(x * x, x * L::broadcast(0.044715F), x);
    const L t = exp_lanes(cubic * L::broadcast(-2.0F * 0.7978845608F));
    return x / (L::broadcast(1.0F) + t);
  }

  static void geglu(float* out, const float* gate, const float* up, int n) noexcept {
    for_each_run(n, [&](int i, int count) {
      store(out + i, gelu(load(gate + i, count)) * load(up + i, count), count);
    });
  }

  static void rope(float* x, const float* cos_sin, int head_dim) noexcept {
    const int half = head_dim / 2;
    for_each_run(half, [&](int i, int count) {
      const L c = load(cos_sin + i, count);
      const L s = load(cos_sin + half + i, count);
      const L a = load(x + i, count);
      const L b = load(x + half + i, count);
      store(x + i, L::fma(a, c, L::broadcast(0.0F) - b * s), count);
      store(x + half + i, L::fma(a, s, b * c), count);
    });
  }

  static void to_bf16(std::uint16_t* out, const float* x, int n) noexcept {
    for (int i = 0; i < n; ++i) out[i] = f32_to_bf16(x[i]);
  }

  static float reduce16(const float* lanes) noexcept { return reduce_lanes(L::load(lanes)); }

  /// Sixteen int8 as two words; byte i of word j is value 8 * j + i.
  struct Sixteen {
    std::uint64_t word[2];
    explicit Sixteen(const std::int8_t* value) noexcept { std::memcpy(word, value, 16); }
  };
  static constexpr std::uint64_t kEvery8 = 0x0101010101010101U;
  static constexpr std::uint64_t kEvery16 = 0x0001000100010001U;
  static constexpr std::uint64_t kLow8Of16 = 0x00FF00FF00FF00FFU;

  /// Sums of neighbouring bytes, in 16 bits.
  static std::uint64_t pair_sums(std::uint64_t bytes) noexcept {
    return (bytes & kLow8Of16) + (bytes >> 8 & kLow8Of16);
  }

  static int sum_of_magnitudes(const std::int8_t* value) noexcept {
    const Sixteen x(value);
    std::uint64_t sums = 0;
    for (const std::uint64_t word : x.word) {
      const std::uint64_t negative = word >> 7 & kEvery8;
      sums += pair_sums((word ^ negative * 0xFF) + negative);
    }
    return static_cast<int>(sums * kEvery16 >> 48);
  }

  /// sums[0] of values 0 1 4 5 8 9 12 13, sums[1] of the others.
  static void sum_alternate_pairs(int (&sums)[2], const std::int8_t* value) noexcept {
    constexpr int kBias = 8 * 128;  // each byte counts from -128
    const Sixteen x(value);
    const std::uint64_t pairs =
        pair_sums(x.word[0] ^ kEvery8 * 0x80) + pair_sums(x.word[1] ^ kEvery8 * 0x80);
    const std::uint64_t both = pairs + (pairs >> 32);
    sums[0] = static_cast<int>(both & 0xFFFF) - kBias;
    sums[1] = static_cast<int>(both >> 16 & 0xFFFF) - kBias;
  }

  /// Rounds 32 values to int8 and returns the larger of the two halves' sums of |value|.
  static int round_values(std::int8_t* value, L low, L high, float inverse) noexcept {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest even integer.
    const L magic = L::broadcast(12582912.0F);
    const L factor = L::broadcast(inverse);
    (L::fma(low, factor, magic) - magic).store_int8(value);
    (L::fma(high, factor, magic) - magic).store_int8(value + 16);
    const int first = sum_of_magnitudes(value);
    const int second = sum_of_magnitudes(value + 16);
    return first > second ? first : second;
  }

  /// Of lanes that are not negative; compared as integers.
  static float largest_lane(L lanes) noexcept {
    float values[16];
    lanes.store(values);
    std::int32_t largest = 0;
    for (const float value : values) {
      const auto bits = std::bit_cast<std::int32_t>(value);
      largest = bits > largest ? bits : largest;
    }
    return std::bit_cast<float>(largest);
  }

  /// quant/activation_block.h states and explains the rule.
  static float quantize_32(std::int8_t* value, const float* x) noexcept {
    constexpr float kSmallest = 1e-30F;
    constexpr int kLargestSum = 1023;
    constexpr float kTargetSum = 1007.0F;  // leaves room for sixteen roundings
    const L low = L::load(x);
    const L high = L::load(x + 16);
    const float amax = largest_lane(L::max_bits(L::abs(low), L::abs(high)));
    if (!(amax >= kSmallest) || amax > std::numeric_limits<float>::max()) {
      std::memset(value, 0, 32);
      return amax < kSmallest ? 0.0F : std::numeric_limits<float>::quiet_NaN();
    }
    float inverse = 127.0F / amax;
    float scale = amax * (1.0F / 127.0F);
    const int sum = round_values(value, low, high, inverse);
    if (sum > kLargestSum) {
      inverse *= kTargetSum / static_cast<float>(sum);
      scale *= static_cast<float>(sum) / kTargetSum;
      round_values(value, low, high, inverse);
    }
    return scale;
  }

  static void quantize_q8(ActivationBlock* out, const float* x, int n) noexcept {
    for (int first = 0; first < n; first += kActivationBlock, ++out) {
      for (int b = 0; b < 8; ++b) {
        out->scale[b] = quantize_32(out->value + 32 * b, x + first + 32 * b);
      }
      for (int g = 0; g < 16; ++g) {
        int sum[2];
        sum_alternate_pairs(sum, out->value + 16 * g);
        out->sum[g] = sum[0] + sum[1];
        for (int i = 0; i < 2; ++i) out->offset[g][i] = static_cast<std::int16_t>(-32 * sum[i]);
      }
    }
  }

  static void install(KernelTable& table) noexcept {
    table.quantize_q8 = quantize_q8;
    table.to_bf16 = to_bf16;
    table.rms_norm = rms_norm;
    table.rms_norm_add = rms_norm_add;
    table.soft_cap = soft_cap;
    table.geglu = geglu;
    table.rope = rope;
    table.reduce16 = reduce16;
    RowLanes<L>::install(table);
  }
};

}  // namespace gemma2::cpu
