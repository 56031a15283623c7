// SPDX-License-Identifier: Apache-2.0
//
// How weights lie in memory: strips of 16 rows, in the order in which every kernel reads them.
// Lane = row: a 16-lane vector holds the same k of 16 rows, so a dot product never needs a
// horizontal sum, and each output has exactly one accumulator chain, in ascending k. AVX-512 reads
// 16 rows at a time, AVX2 two halves; GEMV and GEMM read the same bytes. POD only: ISA files
// include this header.
//
//   format  strip of [16 rows x cols]
//   F32     [cols][16] float
//   F16     [cols / 2][16][2] half; an odd last column is paired with zero
//   BF16    [cols / 2][16][2] bfloat16; likewise. Or three quarters of that, see bf16_12.h
//   Q8_0    ceil(cols / 64) frames of 1088 bytes:
//             scales [2 blocks of 32][16] half
//             quants [16 k-quads][16 rows][4] uint8, value + 128
//   Q6_K    plane of scales d [blocks][16] half, padded to 64 bytes; then per 256 columns a tile of
//           3328 bytes = 4 quarters (64 columns) of 832 bytes:
//             sub-scales [4 groups of 16][16 rows] int8
//             4 groups of 192 bytes, quads of k (4 consecutive k of a row) named 0 1 2 3:
//               plane 0 [16 rows][4] uint8: quad 0 | bits 5 4 of quad 3, from bit 6 up
//               plane 1 [16 rows][4] uint8: quad 1 | bits 3 2 of quad 3
//               plane 2 [16 rows][4] uint8: quad 2 | bits 1 0 of quad 3
//             so that three quads are a mask away and only the fourth is put together.
//           A weight is d * sub-scale * (six-bit value - 32).
//
// Every vector load is 64-byte aligned, which the stored 210- and 34-byte blocks never are, and
// scales stand just before the quants they scale, so a strip is one forward stream.
#pragma once

#include <cstddef>

namespace gemma2 {

inline constexpr int kStripRows = 16;

inline constexpr int kQ8FrameCols = 64;
inline constexpr std::size_t kQ8ScaleBytes = 64;
inline constexpr std::size_t kQ8FrameBytes = kQ8ScaleBytes + 1024;

inline constexpr int kQ6Block = 256;
inline constexpr int kQ6Group = 16;
inline constexpr std::size_t kQ6GroupBytes = 192;
inline constexpr std::size_t kQ6QuarterBytes = 64 + 4 * kQ6GroupBytes;
inline constexpr std::size_t kQ6TileBytes = 4 * kQ6QuarterBytes;

/// Offset of a Q6_K strip's first tile: the plane of d comes first.
constexpr std::size_t q6_k_tiles_offset(int cols) noexcept {
  const std::size_t plane = static_cast<std::size_t>(cols / kQ6Block) * kStripRows * 2;
  return (plane + 63) / 64 * 64;
}

}  // namespace gemma2
