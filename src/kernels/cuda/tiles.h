// SPDX-License-Identifier: Apache-2.0
//
// How numbers lie in the card's memory. One idea holds everywhere: what tensor cores read are rows
// of 64 bf16 (128 bytes) whose eight 16-byte units are swizzled, unit u of row r in place u ^ r
// % 8. Such rows can be copied to shared memory as they are, and are read there without bank
// conflicts by every generation's instructions, Hopper's included.
//
//   weights      strips of 16 rows; a strip is blocks of 256 columns, in ascending order, so that
//                one warp reads one forward stream. Columns are padded with zeros to whole blocks,
//                rows to whole groups of four strips.
//                  bf16  4 pieces of 64 columns, each [16 rows][64] swizzled       8192 bytes
//                  q8_0  4 frames of 64 columns                                    4352 bytes
//                  q6_k  4 frames of 64 columns, then the scales d                 3360 bytes
//                Frames are in the order of the tensor cores' registers, see weight_blocks.h.
//   activations  bf16 tiles of 64 rows x 64 columns, swizzled: [row tile][column tile], columns
//                padded with zeros to whole blocks
//   KV cache     of each kv head: tiles of 64 positions, keys apart from values.
//                  bf16  [head_dim / 64][64 positions][64] swizzled
//                  int8  [64 positions][head_dim], then [64] float scales
//
// A product's sum over k is split into four parts, whole blocks each, that are summed by themselves
// in ascending k and then added in ascending order: ((p0 + p1) + p2) + p3. Few rows have the parts
// computed side by side, many rows one after another; the bits are the same.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gemma2::cuda {

inline constexpr int kStripRows = 16;
inline constexpr int kBlockCols = 256;
inline constexpr int kPieceCols = 64;
inline constexpr int kPiecesOfBlock = kBlockCols / kPieceCols;
inline constexpr unsigned kRowBytes = 128;
inline constexpr unsigned kPieceBytes = kStripRows * kRowBytes;

inline constexpr int kTileRows = 64;
inline constexpr int kTileCols = 64;
inline constexpr unsigned kTileBytes = kTileRows * kRowBytes;

inline constexpr unsigned kBf16BlockBytes = kPiecesOfBlock * kPieceBytes;
inline constexpr unsigned kQ8FrameBytes = 1024 + 64;
inline constexpr unsigned kQ8BlockBytes = kPiecesOfBlock * kQ8FrameBytes;
inline constexpr unsigned kQ6FrameBytes = 768 + 64;
inline constexpr unsigned kQ6BlockBytes = kPiecesOfBlock * kQ6FrameBytes + 32;

inline constexpr int kProductParts = 4;

/// Byte `byte` of row `row` of swizzled rows.
constexpr unsigned swizzled(unsigned row, unsigned byte) {
  return row * kRowBytes + (byte ^ (row % 8 * 16));
}

/// The first of the blocks of part `part`, of `blocks` in all; the earlier parts have what is left
/// over. `part` may be kProductParts: the end.
constexpr int part_begin(int part, int blocks) {
  const int each = blocks / kProductParts;
  const int left_over = blocks % kProductParts;
  return part * each + (part < left_over ? part : left_over);
}

/// Rows of a matrix in strips: whole groups of four strips, so that 64-row tiles are whole.
constexpr int padded_weight_rows(int rows) {
  return (rows + kTileRows - 1) / kTileRows * kTileRows;
}

/// Columns, of weights and activations: whole blocks.
constexpr int padded_columns(int cols) {
  return (cols + kBlockCols - 1) / kBlockCols * kBlockCols;
}

/// Where the 64 x 64 tile with this element begins, in activations of `padded_cols` columns.
constexpr std::size_t tile_offset(int row, int col, int padded_cols) {
  const auto tiles = static_cast<std::size_t>(row / kTileRows) *
                         static_cast<std::size_t>(padded_cols / kTileCols) +
                     static_cast<std::size_t>(col / kTileCols);
  return tiles * kTileBytes;
}

/// Where element (row, col) lies, in activations of `padded_cols` columns.
constexpr std::size_t element_offset(int row, int col, int padded_cols) {
  return tile_offset(row, col, padded_cols) + swizzled(static_cast<unsigned>(row % kTileRows),
                                                       static_cast<unsigned>(col % kTileCols) * 2);
}

}  // namespace gemma2::cuda
