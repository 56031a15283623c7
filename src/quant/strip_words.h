// SPDX-License-Identifier: Apache-2.0
//
// The transposition behind every packed strip: 32-bit words of 16 rows, interleaved.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/packed_strips.h"
#include "quant/tensor_view.h"

namespace gemma2 {

/// Stored rows that a strip takes from `stored`: 16, or fewer in the last strip.
[[nodiscard]] inline int rows_of_strip(const TensorView& stored, int first) noexcept {
  return std::clamp(stored.rows - first, 0, kStripRows);
}

/// to[word][16 rows] = from[row][word] ^ flip for `rows` rows that lie `stride` bytes apart; the
/// other rows become zero ^ flip. Goes 16 words at a time, a cache line of each row: whole rows at
/// a time would fall into the same few cache sets whenever the stride is a power of two.
inline void interleave_words(std::byte* to, const std::byte* from, std::size_t stride, int rows,
                             int words, std::uint32_t flip) noexcept {
  constexpr int kChunk = 16;
  constexpr std::size_t kWordBytes = kStripRows * sizeof(std::uint32_t);
  for (int begin = 0; begin < words; begin += kChunk) {
    const int end = std::min(words, begin + kChunk);
    for (int row = 0; row < rows; ++row) {
      const std::byte* source = from + static_cast<std::size_t>(row) * stride;
      for (int word = begin; word < end; ++word) {
        std::uint32_t value = 0;
        std::memcpy(&value, source + static_cast<std::size_t>(word) * 4, 4);
        value ^= flip;
        std::memcpy(to + static_cast<std::size_t>(word) * kWordBytes + row * 4, &value, 4);
      }
    }
    for (int row = rows; row < kStripRows; ++row) {
      for (int word = begin; word < end; ++word) {
        std::memcpy(to + static_cast<std::size_t>(word) * kWordBytes + row * 4, &flip, 4);
      }
    }
  }
}

/// Strip of a two-byte format: pairs of k of 16 rows; an odd last column is paired with zero.
inline void pack_halves(std::byte* strip, const TensorView& stored, int first) noexcept {
  const std::size_t stride = static_cast<std::size_t>(stored.cols) * 2;
  const std::byte* from = stored.data + static_cast<std::size_t>(first) * stride;
  const int rows = rows_of_strip(stored, first);
  const int pairs = stored.cols / 2;
  interleave_words(strip, from, stride, rows, pairs, 0);
  if (stored.cols % 2 == 0) return;
  std::byte* last = strip + static_cast<std::size_t>(pairs) * kStripRows * 4;
  std::memset(last, 0, kStripRows * 4);
  for (int row = 0; row < rows; ++row) {
    std::memcpy(last + row * 4, from + static_cast<std::size_t>(row) * stride + stride - 2, 2);
  }
}

/// Bytes of such a strip.
[[nodiscard]] inline std::size_t halves_strip_bytes(int cols) noexcept {
  return (static_cast<std::size_t>(cols) + 1) / 2 * kStripRows * 4;
}

}  // namespace gemma2
