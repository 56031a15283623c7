// SPDX-License-Identifier: Apache-2.0
//
// Products of float columns with BF16 weights in 12 bits (quant/bf16_12.h). An output is the same
// chain as with the plain form, so its bits are the same. Templates on a Quad, which says how an
// instruction set decodes:
//   using Bits = ...;  // 16 rows x 2 k of bfloat16, the order of a plain BF16 strip; 64 bytes
//   static void decode(Bits (&pairs)[2], const std::byte* quad, const std::byte* table);
//   static void store(std::byte* to, Bits pairs);
//
// Few columns decode in registers, from one quad that has an escape to the next; such a quad is
// multiplied by itself, its escapes put right in registers too: bytes patched in memory would have
// to reach the cache before they can be loaded as a vector, and the stream of weights would wait.
// Many columns decode a chunk of k once, into a plain strip in the first-level cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/float_matmul.h"
#include "quant/bf16_12.h"

namespace gemma2::cpu {

inline constexpr std::size_t kPairBytes = 64;

/// k in [first, first + count) of a strip as a plain BF16 strip. first and count are multiples of
/// 4, but what lies past cols becomes zero.
template <class Quad>
inline void decode_plain(std::byte* to, const std::byte* strip, int first, int count,
                         int cols) noexcept {
  const auto upper_byte = [to](int k, int row) -> std::byte& {
    return to[static_cast<std::size_t>(k / 2) * kPairBytes +
              static_cast<std::size_t>(row * 4 + k % 2 * 2 + 1)];
  };
  const std::byte* quad = bf16_12::quad_at(strip, first);
  const int end = first + count < cols ? first + count : cols;
  for (int k = first; k < end; k += bf16_12::kQuadCols, quad += bf16_12::kQuadBytes) {
    typename Quad::Bits pairs[2];
    Quad::decode(pairs, quad, strip);
    std::byte* at = to + static_cast<std::size_t>((k - first) / 2) * kPairBytes;
    Quad::store(at, pairs[0]);
    Quad::store(at + kPairBytes, pairs[1]);
  }
  for (const std::byte* at = bf16_12::first_escape(strip, first);; at += 4) {
    const std::uint32_t escape = bf16_12::load_word(at);
    if (bf16_12::escape_col(escape) >= end) break;
    upper_byte(bf16_12::escape_col(escape) - first, bf16_12::escape_row(escape)) =
        static_cast<std::byte>(bf16_12::escape_byte(escape));
  }
  for (int k = end; k % bf16_12::kQuadCols != 0; ++k) {
    for (int row = 0; row < kStripRows; ++row) upper_byte(k - first, row) = std::byte{0};
  }
}

/// Lane `row` of the vector at kOneLane + 15 - row is all ones, the others are zero.
alignas(64) inline constexpr std::uint32_t kOneLane[31] = {0, 0, 0, 0, 0, 0, 0, 0,
                                                           0, 0, 0, 0, 0, 0, 0, 0xFFFFFFFFU};

/// kStrips, kColumns: as of FloatMatmul with many columns. kFewStrips: of a block of one column,
/// half of them of two. kSomeColumns: the most of a block of one strip, decoded in registers.
template <class L, class Quad, int kStrips, int kColumns, int kFewStrips, int kSomeColumns>
struct TwelveBitMatmul {
  using Plain = FloatMatmul<L, Bf16Decoder, kStrips, kColumns>;
  static constexpr int kMinMany = 16;  // from here on decoding again costs more than the buffer
  static constexpr int kDepth = Plain::kDepth;
  static constexpr int kQuadCols = bf16_12::kQuadCols;
  static constexpr std::size_t kQuadBytes = bf16_12::kQuadBytes;

  struct QuadWeights {
    typename Quad::Bits pairs[2];
    L operator[](int i) const noexcept {
      return i % 2 == 0 ? L::from_bits(pairs[i / 2].template shift_left<16>())
                        : L::from_bits(pairs[i / 2] & 0xFFFF0000U);
    }
  };

  /// Quads as they are packed, k counted from `quads`.
  struct Quads {
    static constexpr int kUnit = kQuadCols;
    using Unit = QuadWeights;
    const std::byte* strip;
    const std::byte* quads;
    std::size_t strip_bytes;
    void load(Unit& unit, int s, int k) const noexcept {
      const std::size_t offset = static_cast<std::size_t>(s) * strip_bytes;
      Quad::decode(unit.pairs, quads + offset + static_cast<std::size_t>(k) * (kQuadBytes / kUnit),
                   strip + offset);
    }
  };

  /// The quad at k of some strips, and their next escapes. Each is put right in registers: the
  /// difference to what its index says, added to its lane.
  template <int strips>
  struct EscapedQuad {
    static constexpr int kUnit = kQuadCols;
    using Unit = QuadWeights;
    Quads quads;
    int k;
    const std::byte* const (&escapes)[strips];
    void load(Unit& unit, int s, int /*k*/) const noexcept {
      quads.load(unit, s, 0);
      const auto otherwise =
          static_cast<std::uint32_t>(quads.strip[static_cast<std::size_t>(s) * quads.strip_bytes]);
      for (const std::byte* at = escapes[s];; at += 4) {
        const std::uint32_t escape = bf16_12::load_word(at);
        const int i = bf16_12::escape_col(escape) - k;
        if (i >= kQuadCols) return;
        const std::uint32_t difference = (bf16_12::escape_byte(escape) - otherwise)
                                         << (i % 2 == 0 ? 8 : 24);
        const auto lane = Quad::Bits::load(
            reinterpret_cast<const std::byte*>(kOneLane + 15 - bf16_12::escape_row(escape)));
        unit.pairs[0] = unit.pairs[0] + (lane & (i < 2 ? difference : 0));
        unit.pairs[1] = unit.pairs[1] + (lane & (i < 2 ? 0 : difference));
      }
    }
  };

  /// `count` columns of at most `most`.
  template <int strips, int most, class Source>
  static void multiply(int count, float* to, std::size_t out_stride, const Source& source,
                       int depth, const Columns& x, int first_column, int k) noexcept {
    if (count == most) {
      Plain::template multiply<strips, most>(
          to + static_cast<std::size_t>(first_column) * out_stride, out_stride, source, depth, x,
          first_column, k);
    } else if constexpr (most > 1) {
      multiply<strips, most - 1>(count, to, out_stride, source, depth, x, first_column, k);
    }
  }

  /// All columns, in blocks whose sizes differ by one at the most: none lacks the chains that hide
  /// latency.
  template <int strips, int most, class Source>
  static void pass_columns(float* to, std::size_t out_stride, const Source& source, int depth,
                           const Columns& x, int k) noexcept {
    const int blocks = (x.count + most - 1) / most;
    for (int i = 0; i < blocks; ++i) {
      const int first = x.count * i / blocks;
      multiply<strips, most>(x.count * (i + 1) / blocks - first, to, out_stride, source, depth, x,
                             first, k);
    }
  }

  /// All k of `strips` strips.
  template <int strips, int most>
  static void in_registers(float* to, std::size_t out_stride, const Strips& w, int strip,
                           const Columns& x) noexcept {
    const std::byte* data = w.data + static_cast<std::size_t>(strip) * w.strip_bytes;
    const std::byte* escapes[strips];
    for (int s = 0; s < strips; ++s) {
      escapes[s] = data + static_cast<std::size_t>(s) * w.strip_bytes + bf16_12::kEscapesAt;
    }
    const int whole = w.cols / kQuadCols * kQuadCols;
    // Several blocks pass a chunk while it is in the first-level cache.
    const int most_depth = x.count <= most ? whole : kDepth;
    for (int k = 0; k < whole;) {
      std::uint32_t next = bf16_12::kNoEscape;
      for (const std::byte* escape : escapes) {
        const std::uint32_t word = bf16_12::load_word(escape);
        next = word < next ? word : next;
      }
      const int stop = bf16_12::escape_col(next) / kQuadCols * kQuadCols;
      const Quads quads = {data, bf16_12::quad_at(data, k), w.strip_bytes};
      if (stop == k) {
        pass_columns<strips, most>(to, out_stride, EscapedQuad<strips>{quads, k, escapes},
                                   kQuadCols, x, k);
        k += kQuadCols;
        for (const std::byte*& escape : escapes) {
          while (bf16_12::escape_col(bf16_12::load_word(escape)) < k) escape += 4;
        }
      } else {
        int depth = (stop < whole ? stop : whole) - k;
        depth = depth < most_depth ? depth : most_depth;
        pass_columns<strips, most>(to, out_stride, quads, depth, x, k);
        k += depth;
      }
    }
    if (whole < w.cols) last_quad<strips, most>(to, out_stride, data, w, x);
  }

  /// The columns of a ragged last quad: as many as the plain form has, whose padding counts too.
  template <int strips, int most>
  static void last_quad(float* to, std::size_t out_stride, const std::byte* data, const Strips& w,
                        const Columns& x) noexcept {
    constexpr std::size_t kBytes = 2 * kPairBytes;
    alignas(64) std::byte plain[strips][kBytes];
    const int k = w.cols / kQuadCols * kQuadCols;
    for (int s = 0; s < strips; ++s) {
      decode_plain<Quad>(plain[s], data + static_cast<std::size_t>(s) * w.strip_bytes, k, kQuadCols,
                         w.cols);
    }
    pass_columns<strips, most>(to, out_stride, typename Plain::Packed{plain[0], kBytes, w.cols, 0},
                               Plain::depth_of(w.cols - k), x, k);
  }

  template <int strips>
  static void chunk(float* to, std::size_t out_stride, const Strips& w, int strip, int k,
                    const Columns& x) noexcept {
    alignas(64) std::byte plain[strips][static_cast<std::size_t>(kDepth) * 32];
    for (int s = 0; s < strips; ++s) {
      decode_plain<Quad>(plain[s], w.data + static_cast<std::size_t>(strip + s) * w.strip_bytes, k,
                         kDepth, w.cols);
    }
    const typename Plain::Packed packed = {plain[0], sizeof(plain[0]), w.cols, 0};
    Plain::template pass_columns<strips, kColumns>(0, to, out_stride, packed,
                                                   Plain::depth_of(w.cols - k), x, k);
  }

  static void many_columns(float* out, std::size_t out_stride, const Strips& w,
                           const Columns& x) noexcept {
    for (int k = 0; k < w.cols; k += kDepth) {
      int s = 0;
      for (; s + kStrips <= w.count; s += kStrips) {
        chunk<kStrips>(out + 16 * s, out_stride, w, s, k, x);
      }
      for (; s < w.count; ++s) chunk<1>(out + 16 * s, out_stride, w, s, k, x);
    }
  }

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    if (x.count >= kMinMany) return many_columns(out, out_stride, w, x);
    int s = 0;
    if (x.count == 1) {
      for (; s + kFewStrips <= w.count; s += kFewStrips) {
        in_registers<kFewStrips, 1>(out + 16 * s, out_stride, w, s, x);
      }
    } else if (x.count == 2) {
      for (; s + kFewStrips <= w.count; s += kFewStrips) {
        in_registers<kFewStrips, 2>(out + 16 * s, out_stride, w, s, x);
      }
    }
    for (; s < w.count; ++s) {
      in_registers<1, kSomeColumns>(out + 16 * s, out_stride, w, s, x);
    }
  }
};

}  // namespace gemma2::cpu
