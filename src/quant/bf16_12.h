// SPDX-License-Identifier: Apache-2.0
//
// BF16 in 12 bits, lossless: a packed form of a BF16 strip, three quarters of its bytes. It is not
// a file format: it is made when weights are packed, and read by the kernels alone.
//
// The upper byte of a bfloat16 is its sign and the exponent but for the lowest bit. In a trained
// matrix nearly all weights share eight exponent pairs, so that a table of the strip's sixteen
// commonest upper bytes and a four-bit index replace it, and one byte shuffle finds it again.
// Splitting between sign and exponent instead would cost masks and shifts for each weight. The
// others, about one in ten thousand, are escapes: their index says nothing, and a list in front
// tells their upper byte.
//
//   strip of [16 rows x cols]
//     table    [16] upper bytes
//     start    uint32: where the quads begin, the same in all strips of a weight
//     count    uint32: of escapes
//     escapes  uint32 each: k << 12 | row << 8 | upper byte, by quad ascending, then kNoEscape.
//              Room for as many as the weight's richest strip has
//     quads    ceil(cols / 4) times 96 bytes, up to the strip's end:
//       lower    [4 groups of 4 rows][2 pairs of k][4 rows][2] lower bytes
//       indices  [32]: of the weight whose lower byte is byte i | of that at byte 32 + i << 4
//     In the last quad, k past the end are what the zeros of their bytes say; no kernel reads them.
//
// Unpacking bytes within 128 bits, lower with upper, then gives 4 rows x 2 k of bfloat16, the order
// of a plain BF16 strip, whatever the register's width. POD only: ISA files include this header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/packed_strips.h"
#include "quant/tensor_view.h"

namespace gemma2::bf16_12 {

inline constexpr std::size_t kTableBytes = 16;
inline constexpr std::size_t kEscapesAt = kTableBytes + 8;
inline constexpr int kQuadCols = 4;
inline constexpr std::size_t kLowerBytes = 64;
inline constexpr std::size_t kQuadBytes = kLowerBytes + kLowerBytes / 2;

inline constexpr std::uint32_t kNoEscape = 0xFFFFFFFFU;
inline constexpr int kMaxCols = (1 << 20) - kQuadCols;  // k of kNoEscape is beyond any quad

[[gnu::always_inline]] constexpr inline int escape_col(std::uint32_t escape) noexcept {
  return static_cast<int>(escape >> 12);
}
[[gnu::always_inline]] constexpr inline int escape_row(std::uint32_t escape) noexcept {
  return static_cast<int>(escape >> 8 & 15U);
}
[[gnu::always_inline]] constexpr inline std::uint8_t escape_byte(std::uint32_t escape) noexcept {
  return static_cast<std::uint8_t>(escape);
}

/// Place of a weight's lower byte in its quad, 0 <= k < 4. The index is in half a byte: the lower
/// half of byte kLowerBytes + place for the first 32 places, the upper half from there on.
[[gnu::always_inline]] constexpr inline std::size_t place_in_quad(int row, int k) noexcept {
  const auto r = static_cast<std::size_t>(row);
  const auto c = static_cast<std::size_t>(k);
  return r / 4 * 16 + c / 2 * 8 + r % 4 * 2 + c % 2;
}

[[gnu::always_inline]] constexpr inline std::size_t quads_bytes(int cols) noexcept {
  return static_cast<std::size_t>((cols + kQuadCols - 1) / kQuadCols) * kQuadBytes;
}

[[gnu::always_inline]] inline std::uint32_t load_word(const std::byte* from) noexcept {
  std::uint32_t word = 0;
  __builtin_memcpy(&word, from, sizeof(word));
  return word;
}

[[gnu::always_inline]] inline const std::byte* quad_at(const std::byte* strip, int k) noexcept {
  return strip + load_word(strip + kTableBytes) +
         static_cast<std::size_t>(k / kQuadCols) * kQuadBytes;
}

/// The first escape in the quad of k or behind it; kNoEscape if there is none.
[[gnu::always_inline]] inline const std::byte* first_escape(const std::byte* strip,
                                                            int k) noexcept {
  const std::byte* at = strip + kEscapesAt;
  for (std::uint32_t left = load_word(strip + kTableBytes + 4); left > 0;) {
    const std::uint32_t half = left / 2;
    const std::byte* middle = at + 4 * static_cast<std::size_t>(half);
    if (escape_col(load_word(middle)) / kQuadCols < k / kQuadCols) {
      at = middle + 4;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return at;
}

/// Bytes of each strip of a weight whose strips have at most `escapes`.
[[nodiscard]] constexpr std::size_t strip_bytes(int cols, int escapes) noexcept {
  const std::size_t header = kEscapesAt + 4 * (static_cast<std::size_t>(escapes) + 1);
  return (header + quads_bytes(cols) + 63) / 64 * 64;
}

/// Escapes of the strip of stored rows [first, first + 16); rows past the end count as zeros.
[[nodiscard]] int count_escapes(const TensorView& stored, int first) noexcept;

/// Packs it. REQUIRES: strip_bytes(stored.cols, count_escapes(stored, first)) <= bytes;
/// stored.cols <= kMaxCols.
void pack_strip(std::byte* strip, std::size_t bytes, const TensorView& stored, int first) noexcept;

}  // namespace gemma2::bf16_12
