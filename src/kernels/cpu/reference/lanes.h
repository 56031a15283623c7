// SPDX-License-Identifier: Apache-2.0
//
// Sixteen floats in plain C++: what a Lanes type has to offer, and the meaning of each operation.
//
// The shared loops (vector_math.h, elementwise.h, attention_tile.h, float_matmul.h) are templates
// on such a type. An ISA provides it with one, two or four registers; each operation rounds once,
// as IEEE 754 says, so every ISA computes the same bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"

namespace gemma2::cpu::reference {

/// Sixteen 32-bit patterns.
struct Bits {
  std::uint32_t v[16];

  static Bits load(const std::byte* from) noexcept {
    Bits r;
    std::memcpy(r.v, from, sizeof(r.v));
    return r;
  }
  /// Sixteen int8, sign-extended.
  static Bits load_int8(const std::byte* from) noexcept {
    Bits r;
    for (int i = 0; i < 16; ++i) {
      r.v[i] = static_cast<std::uint32_t>(static_cast<std::int8_t>(from[i]));
    }
    return r;
  }
  template <int n>
  [[nodiscard]] Bits shift_left() const noexcept {
    Bits r;
    for (int i = 0; i < 16; ++i) r.v[i] = v[i] << n;
    return r;
  }
  template <int n>
  [[nodiscard]] Bits shift_right() const noexcept {  // zeros come in
    Bits r;
    for (int i = 0; i < 16; ++i) r.v[i] = v[i] >> n;
    return r;
  }
  [[nodiscard]] Bits operator&(std::uint32_t mask) const noexcept {
    Bits r;
    for (int i = 0; i < 16; ++i) r.v[i] = v[i] & mask;
    return r;
  }
  friend Bits operator|(Bits a, Bits b) noexcept {
    Bits r;
    for (int i = 0; i < 16; ++i) r.v[i] = a.v[i] | b.v[i];
    return r;
  }
  friend Bits operator+(Bits a, Bits b) noexcept {
    Bits r;
    for (int i = 0; i < 16; ++i) r.v[i] = a.v[i] + b.v[i];
    return r;
  }
};

struct Lanes {
  using Bits = reference::Bits;
  /// Values of this type that a loop may sum up in and keep in registers, with room for operands.
  static constexpr int kAccumulators = 6;
  float v[16];

  template <typename F>
  static Lanes each(F f) noexcept {
    Lanes r;
    for (int i = 0; i < 16; ++i) r.v[i] = f(i);
    return r;
  }

  static Lanes broadcast(float x) noexcept {
    return each([&](int) { return x; });
  }
  static Lanes load(const float* from) noexcept {
    return each([&](int i) { return from[i]; });
  }
  void store(float* to) const noexcept { std::memcpy(to, v, sizeof(v)); }

  /// Sixteen IEEE halves.
  static Lanes load_f16(const std::byte* from) noexcept {
    std::uint16_t half[16];
    std::memcpy(half, from, sizeof(half));
    return each([&](int i) { return f16_to_f32(half[i]); });
  }
  /// The patterns as floats.
  static Lanes from_bits(Bits bits) noexcept {
    return each([&](int i) { return std::bit_cast<float>(bits.v[i]); });
  }
  [[nodiscard]] Bits bits() const noexcept {
    Bits r;
    std::memcpy(r.v, v, sizeof(v));
    return r;
  }
  /// The patterns as signed integers, converted; |value| < 2^24.
  static Lanes from_int(Bits bits) noexcept {
    return each([&](int i) { return static_cast<float>(static_cast<std::int32_t>(bits.v[i])); });
  }
  /// Even elements of sixteen pairs of halves in lanes 0 .. 15, and odd ones.
  static Lanes even_f16(Bits pairs) noexcept {
    return each([&](int i) { return f16_to_f32(static_cast<std::uint16_t>(pairs.v[i])); });
  }
  static Lanes odd_f16(Bits pairs) noexcept {
    return each([&](int i) { return f16_to_f32(static_cast<std::uint16_t>(pairs.v[i] >> 16)); });
  }

  friend Lanes operator+(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend Lanes operator-(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend Lanes operator*(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend Lanes operator/(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return a.v[i] / b.v[i]; });
  }
  /// a * b + c, rounded once.
  static Lanes fma(Lanes a, Lanes b, Lanes c) noexcept {
    return each([&](int i) { return std::fma(a.v[i], b.v[i], c.v[i]); });
  }
  /// b where the comparison fails, so a NaN in b passes through.
  static Lanes min(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static Lanes max(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  /// The larger pattern as signed integers: for absolute values, NaN > infinity > finite.
  static Lanes max_bits(Lanes a, Lanes b) noexcept {
    return each([&](int i) {
      return std::bit_cast<std::int32_t>(a.v[i]) > std::bit_cast<std::int32_t>(b.v[i]) ? a.v[i]
                                                                                       : b.v[i];
    });
  }
  static Lanes abs(Lanes a) noexcept {
    return each([&](int i) { return std::fabs(a.v[i]); });
  }
  /// a with the sign of b.
  static Lanes copysign(Lanes a, Lanes b) noexcept {
    return each([&](int i) { return std::copysign(a.v[i], b.v[i]); });
  }
  /// a < b ? yes : no
  static Lanes select_less(Lanes a, Lanes b, Lanes yes, Lanes no) noexcept {
    return each([&](int i) { return a.v[i] < b.v[i] ? yes.v[i] : no.v[i]; });
  }
  /// Whether a < b in every lane.
  static bool all_less(Lanes a, Lanes b) noexcept {
    bool all = true;
    for (int i = 0; i < 16; ++i) all = all && a.v[i] < b.v[i];
    return all;
  }
  /// Lanes first <= i < last of a, zero elsewhere.
  static Lanes keep_range(Lanes a, int first, int last) noexcept {
    return each([&](int i) { return i >= first && i < last ? a.v[i] : 0.0F; });
  }
  /// Integral values of |a| <= 127 -> int8.
  void store_int8(std::int8_t* to) const noexcept {
    for (int i = 0; i < 16; ++i) to[i] = static_cast<std::int8_t>(v[i]);
  }
};

}  // namespace gemma2::cpu::reference
