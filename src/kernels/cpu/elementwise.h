// SPDX-License-Identifier: Apache-2.0
//
// The loops that touch each activation once: norms, soft cap, GeGLU, RoPE and the conversions to
// what the products read. Templates on a Lanes type; one instantiation an ISA.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "kernels/cpu/kernel_table.h"
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

  /// Rounds 32 values to int8 and returns the larger of the two halves' sums of |value|.
  static int round_values(std::int8_t* value, L low, L high, float inverse) noexcept {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest even integer.
    const L magic = L::broadcast(12582912.0F);
    const L factor = L::broadcast(inverse);
    (L::fma(low, factor, magic) - magic).store_int8(value);
    (L::fma(high, factor, magic) - magic).store_int8(value + 16);
    int sums[2] = {0, 0};
    for (int i = 0; i < 16; ++i) {
      sums[0] += std::abs(static_cast<int>(value[i]));
      sums[1] += std::abs(static_cast<int>(value[16 + i]));
    }
    return sums[0] > sums[1] ? sums[0] : sums[1];
  }

  /// quant/activation_block.h states and explains the rule.
  static float quantize_32(std::int8_t* value, const float* x) noexcept {
    constexpr float kSmallest = 1e-30F;
    constexpr int kLargestSum = 1023;
    constexpr float kTargetSum = 1007.0F;  // leaves room for sixteen roundings
    const L low = L::load(x);
    const L high = L::load(x + 16);
    float lanes[16];
    L::max_bits(L::abs(low), L::abs(high)).store(lanes);
    std::int32_t largest = 0;
    for (float lane : lanes) {
      const auto bits = std::bit_cast<std::int32_t>(lane);
      largest = bits > largest ? bits : largest;
    }
    const auto amax = std::bit_cast<float>(largest);
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
        std::int32_t sum[2] = {0, 0};
        for (int i = 0; i < 16; ++i) sum[i / 2 % 2] += out->value[16 * g + i];
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
  }
};

}  // namespace gemma2::cpu
