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

// A Decoder yields the weights of kUnit consecutive k of one strip, 16 rows each. kCheap: in an
// instruction or two, so that decoding again for every block of columns costs less than storing.

template <class L>
struct F32Decoder {
  static constexpr bool kCheap = true;
  static constexpr int kUnit = 1;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    w[0] = L::load(reinterpret_cast<const float*>(strip) + 16 * static_cast<std::size_t>(k));
  }
};

template <class L>
struct F16Decoder {
  static constexpr bool kCheap = true;
  static constexpr int kUnit = 2;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    const auto pairs = L::Bits::load(strip + 32 * static_cast<std::size_t>(k));
    w[0] = L::even_f16(pairs);
    w[1] = L::odd_f16(pairs);
  }
};

template <class L>
struct Bf16Decoder {
  static constexpr bool kCheap = true;
  static constexpr int kUnit = 2;
  static void decode(L (&w)[kUnit], const std::byte* strip, int /*cols*/, int k) noexcept {
    const auto pairs = L::Bits::load(strip + 32 * static_cast<std::size_t>(k));
    w[0] = L::from_bits(pairs.template shift_left<16>());
    w[1] = L::from_bits(pairs & 0xFFFF0000U);
  }
};

template <class L>
struct Q8Decoder {
  static constexpr bool kCheap = false;
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
  static constexpr bool kCheap = false;
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
    const auto plane0 = L::Bits::load(at);
    const auto plane1 = L::Bits::load(at + 64);
    const auto plane2 = L::Bits::load(at + 128);
    constexpr std::uint32_t kSix = 0x3F3F3F3FU;
    decode_quad(w, scale, plane0 & kSix);
    decode_quad(w + 4, scale, plane1 & kSix);
    decode_quad(w + 8, scale, plane2 & kSix);
    decode_quad(w + 12, scale,
                (plane0.template shift_right<2>() & 0x30303030U) |
                    (plane1.template shift_right<4>() & 0x0C0C0C0CU) |
                    (plane2.template shift_right<6>() & 0x03030303U));
  }
};

/// kStrips x kColumns: the block of outputs for many columns, whose sums should fill the registers
/// but for a weight and an activation or two. kFewStrips: strips of a block of one or two columns.
///
/// Many columns take a chunk of kDepth k of kStrips strips at a time, so that both the chunk and
/// the activations that it meets stay in the first two caches. Weights that are not cheap to
/// decode are decoded once for all columns. The sums wait in `out` for the next chunk, which
/// changes no bit of a chain.
template <class L, template <class> class DecoderOf, int kStrips = 2, int kColumns = 4,
          int kFewStrips = 4>
struct FloatMatmul {
  using Decoder = DecoderOf<L>;
  static constexpr int kManyColumns = 4;
  static constexpr int kDepth = 256;
  static_assert(kDepth % Decoder::kUnit == 0);

  static const float* column(const Columns& x, int c) noexcept {
    return reinterpret_cast<const float*>(x.data + static_cast<std::size_t>(c) * x.stride);
  }

  /// Weights as they are packed, k counted from `first_k`.
  struct Packed {
    static constexpr int kUnit = Decoder::kUnit;
    using Unit = L[kUnit];
    const std::byte* strip;
    std::size_t strip_bytes;
    int cols;
    int first_k;
    void load(Unit& weight, int s, int k) const noexcept {
      Decoder::decode(weight, strip + static_cast<std::size_t>(s) * strip_bytes, cols, first_k + k);
    }
  };

  static Packed packed_at(const Strips& w, int strip, int first_k) noexcept {
    return {w.data + static_cast<std::size_t>(strip) * w.strip_bytes, w.strip_bytes, w.cols,
            first_k};
  }

  /// Weights decoded beforehand.
  struct Panel {
    static constexpr int kUnit = 1;
    using Unit = L[kUnit];
    alignas(64) float weights[kStrips][kDepth * 16];
    void load(Unit& weight, int s, int k) const noexcept {
      weight[0] = L::load(weights[s] + 16 * k);
    }
    void decode(const Packed& from, int strips, int depth) noexcept {
      for (int s = 0; s < strips; ++s) {
        for (int k = 0; k < depth; k += Decoder::kUnit) {
          L weight[Decoder::kUnit];
          from.load(weight, s, k);
          for (int i = 0; i < Decoder::kUnit; ++i) weight[i].store(weights[s] + 16 * (k + i));
        }
      }
    }
  };

  /// Adds `depth` k to the sums of `strips` x `columns` outputs; to: the first of them. fresh: the
  /// sums start here. The loops over columns are unrolled by name: gcc otherwise does it too late
  /// to keep the sums in registers.
  template <int strips, int columns, class Source>
  static void multiply(float* to, std::size_t out_stride, const Source& source, int depth,
                       const Columns& x, int first_column, int first_k) noexcept {
    const float* activations[columns];
    for (int c = 0; c < columns; ++c) activations[c] = column(x, first_column + c) + first_k;
    L sum[strips][columns];
#pragma GCC unroll 4
    for (int s = 0; s < strips; ++s) {
#pragma GCC unroll 16
      for (int c = 0; c < columns; ++c) {
        sum[s][c] = first_k == 0 ? L::broadcast(0.0F)
                                 : L::load(to + static_cast<std::size_t>(c) * out_stride + 16 * s);
      }
    }
    for (int k = 0; k < depth; k += Source::kUnit) {
#pragma GCC unroll 4
      for (int s = 0; s < strips; ++s) {
        typename Source::Unit weight;
        source.load(weight, s, k);
#pragma GCC unroll 16
        for (int i = 0; i < Source::kUnit; ++i) {
#pragma GCC unroll 16
          for (int c = 0; c < columns; ++c) {
            sum[s][c] = L::fma(weight[i], L::broadcast(activations[c][k + i]), sum[s][c]);
          }
        }
      }
    }
#pragma GCC unroll 4
    for (int s = 0; s < strips; ++s) {
#pragma GCC unroll 16
      for (int c = 0; c < columns; ++c) {
        sum[s][c].store(to + static_cast<std::size_t>(c) * out_stride + 16 * s);
      }
    }
  }

  /// Columns from `c` on in blocks of `columns`, the rest in smaller ones.
  template <int strips, int columns, class Source>
  static void pass_columns(int c, float* to, std::size_t out_stride, const Source& source,
                           int depth, const Columns& x, int first_k) noexcept {
    // Eight are better four and four than five, two and one.
    const int end = columns == 5 && x.count % 5 == 3 && x.count > 5 ? x.count - 8 : x.count;
    for (; c + columns <= end; c += columns) {
      multiply<strips, columns>(to + static_cast<std::size_t>(c) * out_stride, out_stride, source,
                                depth, x, c, first_k);
    }
    constexpr int kNext = columns > 4 ? 4 : columns / 2;
    if constexpr (kNext > 0) {
      pass_columns<strips, kNext>(c, to, out_stride, source, depth, x, first_k);
    }
  }

  template <int strips>
  static void one_chunk(float* to, std::size_t out_stride, const Packed& packed, int depth,
                        const Columns& x) noexcept {
    if constexpr (Decoder::kCheap) {
      pass_columns<strips, kColumns>(0, to, out_stride, packed, depth, x, packed.first_k);
    } else {
      Panel panel;
      panel.decode(packed, strips, depth);
      pass_columns<strips, kColumns>(0, to, out_stride, panel, depth, x, packed.first_k);
    }
  }

  static void many_columns(float* out, std::size_t out_stride, const Strips& w,
                           const Columns& x) noexcept {
    for (int k = 0; k < w.cols; k += kDepth) {
      const int depth = depth_of(w.cols - k);
      int s = 0;
      for (; s + kStrips <= w.count; s += kStrips) {
        one_chunk<kStrips>(out + 16 * s, out_stride, packed_at(w, s, k), depth, x);
      }
      for (; s < w.count; ++s) {
        one_chunk<1>(out + 16 * s, out_stride, packed_at(w, s, k), depth, x);
      }
    }
  }

  /// A last unit reaches past cols: its weights are zero there, and so is the columns' padding.
  static int depth_of(int left) noexcept {
    constexpr int kUnit = Decoder::kUnit;
    return left < kDepth ? (left + kUnit - 1) / kUnit * kUnit : kDepth;
  }

  template <int strips>
  static void few_columns(float* out, std::size_t out_stride, const Strips& w, int s,
                          const Columns& x) noexcept {
    const int depth = (w.cols + Decoder::kUnit - 1) / Decoder::kUnit * Decoder::kUnit;
    pass_columns<strips, 2>(0, out + 16 * s, out_stride, packed_at(w, s, 0), depth, x, 0);
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    if (x.count >= kManyColumns) return many_columns(out, out_stride, w, x);
    // Several strips in flight: enough chains to hide the FMA's latency.
    int s = 0;
    for (; s + kFewStrips <= w.count; s += kFewStrips) {
      few_columns<kFewStrips>(out, out_stride, w, s, x);
    }
    for (; s < w.count; ++s) few_columns<1>(out, out_stride, w, s, x);
  }
};

}  // namespace gemma2::cpu
