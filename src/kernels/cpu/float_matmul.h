// SPDX-License-Identifier: Apache-2.0
//
// Products with float activations for every format: weights are decoded to float32 in registers,
// and each output is one chain fma(w, x, sum) in ascending k. Templates on a Lanes type and a
// format's Decoder. One chain an output means that several strips (one column) or columns (many)
// are in flight together to hide the FMA's latency.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/kernel_table.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu {

// A Decoder yields the weights of kUnit consecutive k of one strip, 16 rows each.

template <class L>
struct F32Decoder {
  static constexpr int kUnit = 1;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    w[0] = L::load(reinterpret_cast<const float*>(strip) + 16 * static_cast<std::size_t>(k));
  }
};

template <class L>
struct F16Decoder {
  static constexpr int kUnit = 2;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    const auto pairs = L::Bits::load(strip + 32 * static_cast<std::size_t>(k));
    w[0] = L::even_f16(pairs);
    w[1] = L::odd_f16(pairs);
  }
};

template <class L>
struct Bf16Decoder {
  static constexpr int kUnit = 2;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    const auto pairs = L::Bits::load(strip + 32 * static_cast<std::size_t>(k));
    w[0] = L::from_bits(pairs.template shift_left<16>());
    w[1] = L::from_bits(pairs & 0xFFFF0000U);
  }
};

template <class L>
struct Q8Decoder {
  static constexpr int kUnit = 4;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    const std::byte* frame = strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
    const int in_frame = k % kQ8FrameCols;
    const L d = L::load_f16(frame + in_frame / 32 * 32);
    const auto quad = L::Bits::load(frame + kQ8ScaleBytes + in_frame / 4 * 64);
    const L offset = L::broadcast(128.0F);
    w[0] = d * (L::from_int(quad & 0xFFU) - offset);
    w[1] = d * (L::from_int(quad.template shift_right<8>() & 0xFFU) - offset);
    w[2] = d * (L::from_int(quad.template shift_right<16>() & 0xFFU) - offset);
    w[3] = d * (L::from_int(quad.template shift_right<24>()) - offset);
  }
};

template <class L>
struct Q6Decoder {
  static constexpr int kUnit = kQ6Group;

  template <int byte>
  static L value(L scale, typename L::Bits six) noexcept {
    const L unsigned_value = L::from_int(six.template shift_right<8 * byte>() & 0xFFU);
    return scale * (unsigned_value - L::broadcast(32.0F));
  }
  static void decode_quad(L* w, L scale, typename L::Bits six) noexcept {
    w[0] = value<0>(scale, six);
    w[1] = value<1>(scale, six);
    w[2] = value<2>(scale, six);
    w[3] = value<3>(scale, six);
  }
  static void decode(L (&w)[kUnit], const std::byte* strip, int cols, int k) noexcept {
    const int block = k / kQ6Block;
    const int quarter = k % kQ6Block / 64;
    const int group = k % 64 / kQ6Group;
    const std::byte* at = strip + q6_k_tiles_offset(cols) +
                          static_cast<std::size_t>(block) * kQ6TileBytes +
                          static_cast<std::size_t>(quarter) * kQ6QuarterBytes;
    const L d = L::load_f16(strip + static_cast<std::size_t>(block) * 32);
    const L scale = d * L::from_int(L::Bits::load_int8(at + 16 * group));
    at += 64 + static_cast<std::size_t>(group) * kQ6GroupBytes;
    const auto low01 = L::Bits::load(at);
    const auto low23 = L::Bits::load(at + 64);
    const auto high = L::Bits::load(at + 128);
    constexpr std::uint32_t kLow = 0x0F0F0F0FU;
    constexpr std::uint32_t kHigh = 0x30303030U;
    decode_quad(w, scale, (low01 & kLow) | (high.template shift_left<4>() & kHigh));
    decode_quad(w + 4, scale,
                (low01.template shift_right<4>() & kLow) | (high.template shift_left<2>() & kHigh));
    decode_quad(w + 8, scale, (low23 & kLow) | (high & kHigh));
    decode_quad(
        w + 12, scale,
        (low23.template shift_right<4>() & kLow) | (high.template shift_right<2>() & kHigh));
  }
};

/// kStrips x kColumns: the block of outputs for many columns, whose sums should fill the registers
/// but for a weight and an activation or two.
template <class L, template <class> class DecoderOf, int kStrips = 2, int kColumns = 4>
struct FloatMatmul {
  using Decoder = DecoderOf<L>;

  static const float* column(const Columns& x, int c) noexcept {
    return reinterpret_cast<const float*>(x.data + static_cast<std::size_t>(c) * x.stride);
  }

  /// A block of `strips` x `columns` outputs.
  template <int strips, int columns>
  static void block(float* out, std::size_t out_stride, const Strips& w, int strip,
                    const Columns& x, int first_column) noexcept {
    L sum[strips][columns];
    for (auto& row : sum) {
      for (L& s : row) s = L::broadcast(0.0F);
    }
    const std::byte* data[strips];
    for (int s = 0; s < strips; ++s) {
      data[s] = w.data + static_cast<std::size_t>(strip + s) * w.strip_bytes;
    }
    // A last unit reaches past cols: its weights are zero there, and so is the columns' padding.
    for (int k = 0; k < w.cols; k += Decoder::kUnit) {
      for (int s = 0; s < strips; ++s) {
        L weight[Decoder::kUnit];
        Decoder::decode(weight, data[s], w.cols, k);
        for (int c = 0; c < columns; ++c) {
          const float* activations = column(x, first_column + c) + k;
          for (int i = 0; i < Decoder::kUnit; ++i) {
            sum[s][c] = L::fma(weight[i], L::broadcast(activations[i]), sum[s][c]);
          }
        }
      }
    }
    for (int s = 0; s < strips; ++s) {
      for (int c = 0; c < columns; ++c) {
        sum[s][c].store(out + static_cast<std::size_t>(first_column + c) * out_stride +
                        16 * static_cast<std::size_t>(strip + s));
      }
    }
  }

  template <int strips>
  static void all_columns(float* out, std::size_t out_stride, const Strips& w, int strip,
                          const Columns& x) noexcept {
    int c = 0;
    const auto step = [&]<int columns>() {
      for (; c + columns <= x.count; c += columns) {
        block<strips, columns>(out, out_stride, w, strip, x, c);
      }
    };
    if constexpr (strips <= kStrips) {
      step.template operator()<kColumns>();
      if constexpr (kColumns > 4) step.template operator()<4>();
    }
    step.template operator()<2>();
    step.template operator()<1>();
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    // Four strips for few columns, kStrips for many: enough chains, and the sums stay in registers.
    int s = 0;
    if (x.count < 4) {
      for (; s + 4 <= w.count; s += 4) all_columns<4>(out, out_stride, w, s, x);
    }
    for (; s + kStrips <= w.count; s += kStrips) all_columns<kStrips>(out, out_stride, w, s, x);
    for (; s < w.count; ++s) all_columns<1>(out, out_stride, w, s, x);
  }
};

}  // namespace gemma2::cpu
