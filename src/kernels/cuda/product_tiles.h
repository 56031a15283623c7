// SPDX-License-Identifier: Apache-2.0
//
// How the outputs of a product of many rows fall into tiles of 128, eight strips, and what becomes
// of them; shared by the kernel for every card and the one for Hopper.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/product_math.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {

inline constexpr int kTileOutputs = 128;
inline constexpr int kStripsOfTile = kTileOutputs / kStripRows;

/// Eight strips. Of geglu: four of gate, then the same four of up.
struct OutputTile {
  const std::byte* first_half;   // strips from here on ...
  const std::byte* second_half;  // ... and from here on
  int first_row;                 // of the matrix: output 0 of the tile
  int first_output;              // the same, counted from the stack's first
  int end_row;                   // of the matrix
};

/// A product and how it falls into tiles; made by the host.
struct OutputTiles {
  Product work;
  int count;                         // in all
  int end_tile[WeightStack::kMost];  // of each part of the stack
  int first_output[WeightStack::kMost];

  explicit OutputTiles(const Product& product)
      : work(product), count(0), end_tile{}, first_output{} {
    const bool paired = work.kind == ProductKind::geglu;
    int outputs = 0;
    for (int i = 0; i < WeightStack::kMost; ++i) {
      const int width = paired ? kTileOutputs / 2 : kTileOutputs;
      if (i < work.weights.count && (!paired || i == 0)) {
        count += (work.weights.part[i].rows + width - 1) / width;
      }
      end_tile[i] = count;
      first_output[i] = outputs;
      outputs += work.weights.part[i].rows;
    }
  }
};

__device__ __forceinline__ OutputTile output_tile(const OutputTiles& tiles, int index) {
  const Product& work = tiles.work;
  const int part = index < tiles.end_tile[0] ? 0 : index < tiles.end_tile[1] ? 1 : 2;
  if (part > 0) index -= tiles.end_tile[part - 1];
  const StripWeight& weight = work.weights.part[part];
  const bool paired = work.kind == ProductKind::geglu;
  const std::size_t strip_bytes =
      static_cast<std::size_t>(weight.padded_cols / kTileCols) * kPieceBytes;
  OutputTile tile;
  tile.first_row = index * (paired ? kTileOutputs / 2 : kTileOutputs);
  tile.first_output = tiles.first_output[part] + tile.first_row;
  tile.end_row = weight.rows;
  const int first_strip = tile.first_row / kStripRows;
  // Matrices have whole groups of four strips, so only a whole half can be missing.
  const bool has_second = tile.first_row + kTileOutputs / 2 < padded_weight_rows(weight.rows);
  tile.first_half = weight.data + static_cast<std::size_t>(first_strip) * strip_bytes;
  tile.second_half =
      paired       ? work.weights.part[1].data + static_cast<std::size_t>(first_strip) * strip_bytes
      : has_second ? tile.first_half + kStripsOfTile / 2 * strip_bytes
                   : tile.first_half;
  return tile;
}

/// Strip `strip` of the tile's eight, of `frames` frames.
__device__ __forceinline__ const std::byte* strip_of(const OutputTile& tile, int strip,
                                                     std::size_t frames) {
  const std::byte* half = strip < kStripsOfTile / 2 ? tile.first_half : tile.second_half;
  return half + static_cast<std::size_t>(strip % (kStripsOfTile / 2)) * frames * kPieceBytes;
}

__device__ __forceinline__ void store_geglu(const Product& work, int row, int output, float gate,
                                            float up) {
  if (output >= work.weights.part[0].rows) return;
  store_bf16(work.tiled_out.data + element_offset(row, output, work.tiled_out.padded_cols),
             gelu(gate) * up);
}

/// One output of a row, of any kind but geglu.
__device__ __forceinline__ void store_output(const Product& work, const OutputTile& tile, int row,
                                             int output, float x) {
  if (row >= work.rows || tile.first_row + output >= tile.end_row) return;
  if (work.kind == ProductKind::logits) {
    const int token = work.first_token + tile.first_row + output;
    const unsigned long long key = finish_logit(work.head[row], x, token, work.final_soft_cap);
    if (key != 0) raise_to(&work.head[row].best->key, key);
    return;
  }
  work.out.data[static_cast<std::size_t>(row) * work.out.stride + tile.first_output + output] = x;
}

}  // namespace gemma2::cuda
