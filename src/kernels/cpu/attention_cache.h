// SPDX-License-Identifier: Apache-2.0
//
// How each cache format takes part in a product, for any Lanes type. kernel_table.h draws the
// tiles.
//
// What a format says of itself:
//   kStep      consecutive d of a key, or positions of a value, in one load
//   kBytes     of an element
//   kParts     parts of a load, added in this order, that make up all of it
//   kUpper, kLower  the part with the odd, and with the even element alone; of two elements
//   Factor     what a query or a weight is multiplied as
//   load<part>, factor<part>, add  sum + load * factor, in the format's own arithmetic
//   factors    the weights of some rows as factors; `room` is there to hold them
//   counted    what a weight counts in the sum of weights
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/kernel_table.h"
#include "quant/bf16.h"

namespace gemma2::cpu {

/// Products of floats: one fused multiply-add for each element.
template <class L>
struct FloatProducts {
  using Loaded = L;
  using Factor = float;
  static constexpr bool kScaled = false;  // a float scale for each position behind the elements

  template <int part>
  static L factor(const float* from) noexcept {
    return L::broadcast(from[part]);
  }
  static L add(L sum, L loaded, L factor) noexcept { return L::fma(factor, loaded, sum); }
  static const float* factors(float* /*room*/, const float* weights, int /*rows*/,
                              const float* /*scales*/) noexcept {
    return weights;
  }
  static float value_of(float factor) noexcept { return factor; }
  static L counted(L weight) noexcept { return weight; }
};

/// Keys and values stored as float.
template <class L>
struct F32Cache : FloatProducts<L> {
  static constexpr int kStep = 1;
  static constexpr int kParts = 1;
  static constexpr int kUpper = 0;
  static constexpr int kLower = 0;
  static constexpr std::size_t kBytes = 4;
  template <int part>
  static L load(const std::byte* from) noexcept {
    return L::load(reinterpret_cast<const float*>(from));
  }
  static float element(const std::byte* from, std::size_t index) noexcept {
    return reinterpret_cast<const float*>(from)[index];
  }
};

/// Stored as bfloat16, two elements in each 32-bit lane.
template <class L>
struct Bf16Cache : FloatProducts<L> {
  static constexpr int kStep = 2;
  static constexpr int kParts = 2;
  static constexpr int kUpper = 1;
  static constexpr int kLower = 0;
  static constexpr std::size_t kBytes = 2;
  template <int part>
  static L load(const std::byte* from) noexcept {
    const auto pairs = L::Bits::load(from);
    return L::from_bits(part == kLower ? pairs.template shift_left<16>() : pairs & 0xFFFF0000U);
  }
  static float element(const std::byte* from, std::size_t index) noexcept {
    return bf16_to_f32(reinterpret_cast<const std::uint16_t*>(from)[index]);
  }
};

/// Stored as 8-bit integers, exact in float. Scales multiply scores, and weights before they mix.
template <class L>
struct Int8Cache : FloatProducts<L> {
  static constexpr int kStep = 1;
  static constexpr int kParts = 1;
  static constexpr int kUpper = 0;
  static constexpr int kLower = 0;
  static constexpr std::size_t kBytes = 1;
  static constexpr bool kScaled = true;
  template <int part>
  static L load(const std::byte* from) noexcept {
    return L::from_int(L::Bits::load_int8(from));
  }
  static float element(const std::byte* from, std::size_t index) noexcept {
    return static_cast<float>(reinterpret_cast<const std::int8_t*>(from)[index]);
  }
  static const float* factors(float* room, const float* weights, int rows,
                              const float* scales) noexcept {
    for (int i = 0; i < rows * kAttentionTile; i += 16) {
      (L::load(weights + i) * L::load(scales + i % kAttentionTile)).store(room + i);
    }
    return room;
  }
};

}  // namespace gemma2::cpu
