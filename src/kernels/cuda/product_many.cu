// SPDX-License-Identifier: Apache-2.0
//
// Products of many rows by bf16 weights, for every card with tensor cores: a block of eight warps
// takes 128 outputs of 64 or 128 rows and walks along k once, in frames of 64 columns that stream
// through a ring in shared memory. At the end of each of the four parts of k its sum goes from the
// accumulators to the totals, which is all that separates this order of sums from a plain one.
#include <algorithm>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/product_math.h"
#include "kernels/cuda/product_tiles.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kOutputWarps = 4;  // side by side along the outputs, two strips each
constexpr int kRowWarps = 2;

template <int kRows, int kStages>
struct Ring {
  static constexpr unsigned kWeightBytes = kTileOutputs * kRowBytes;
  static constexpr unsigned kStageBytes = kWeightBytes + kRows * kRowBytes;
  static constexpr unsigned kBytes = kStages * kStageBytes;
};

/// Begins the copies of one frame: eight strips' pieces, then the rows' tiles.
template <int kRows>
__device__ __forceinline__ void fetch_frame(std::byte* stage, const OutputTile& tile,
                                            const Product& work, int row_tile, int frame) {
  const auto frames = static_cast<std::size_t>(work.x.padded_cols / kTileCols);
#pragma unroll
  for (int i = 0; i < static_cast<int>(kTileOutputs * 8) / kThreads; ++i) {
    const unsigned unit = static_cast<unsigned>(i) * kThreads + threadIdx.x;
    const unsigned strip = unit / (kPieceBytes / 16);
    copy_16_begin(stage + unit * 16, strip_of(tile, static_cast<int>(strip), frames) +
                                         static_cast<std::size_t>(frame) * kPieceBytes +
                                         unit % (kPieceBytes / 16) * 16);
  }
  const int last_tile = (work.rows - 1) / kTileRows;
#pragma unroll
  for (int i = 0; i < kRows * 8 / kThreads; ++i) {
    const unsigned unit = static_cast<unsigned>(i) * kThreads + threadIdx.x;
    const auto from = static_cast<std::size_t>(
        std::min(row_tile + static_cast<int>(unit / (kTileBytes / 16)), last_tile));
    copy_16_begin(stage + kTileOutputs * kRowBytes + unit * 16,
                  work.x.data + (from * frames + static_cast<std::size_t>(frame)) * kTileBytes +
                      unit % (kTileBytes / 16) * 16);
  }
}

template <int kColumnTiles>
using Sums = float[2][kColumnTiles][4];

/// c += the frame's products. Of a warp.
template <int kColumnTiles>
__device__ __forceinline__ void multiply_frame(Sums<kColumnTiles>& c, const std::byte* weights,
                                               const std::byte* rows, unsigned lane) {
#pragma unroll
  for (unsigned group = 0; group < kTileCols / 16; ++group) {
    std::uint32_t a[2][4];
#pragma unroll
    for (unsigned strip = 0; strip < 2; ++strip) {
      load_matrices(a[strip], weights + strip * kPieceBytes +
                                  swizzled(lane % 16, (2 * group + lane / 16) * 16));
    }
#pragma unroll
    for (unsigned pair = 0; pair < kColumnTiles / 2; ++pair) {
      std::uint32_t b[4];
      const unsigned row = pair * 16 + lane / 16 * 8 + lane % 8;
      load_matrices(b, rows + swizzled(row, (2 * group + lane / 8 % 2) * 16));
#pragma unroll
      for (int strip = 0; strip < 2; ++strip) {
        multiply_add(c[strip][2 * pair], a[strip], b[0], b[1]);
        multiply_add(c[strip][2 * pair + 1], a[strip], b[2], b[3]);
      }
    }
  }
}

/// total += c, or total = c for the first part; c = 0.
template <int kColumnTiles>
__device__ __forceinline__ void end_part(Sums<kColumnTiles>& total, Sums<kColumnTiles>& c,
                                         bool is_first) {
#pragma unroll
  for (int strip = 0; strip < 2; ++strip) {
#pragma unroll
    for (int tile = 0; tile < kColumnTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        total[strip][tile][i] =
            is_first ? c[strip][tile][i] : total[strip][tile][i] + c[strip][tile][i];
        c[strip][tile][i] = 0;
      }
    }
  }
}

/// Calls take(output within the tile, row within the tile, total) for all of a warp's totals.
template <int kColumnTiles, typename Take>
__device__ __forceinline__ void for_each_total(const Sums<kColumnTiles>& total, int first_output,
                                               int first_row, unsigned lane, Take take) {
#pragma unroll
  for (int tile = 0; tile < kColumnTiles; ++tile) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int output =
          first_output + i / 4 * kStripRows + i / 2 % 2 * 8 + static_cast<int>(lane / 4);
      const int row = first_row + tile * 8 + static_cast<int>(lane % 4) * 2 + i % 2;
      take(output, row, total[i / 4][tile][i % 4]);
    }
  }
}

template <int kRows, int kStages>
__global__ void __launch_bounds__(kThreads)
    product_many_kernel(const __grid_constant__ OutputTiles tiles) {
  using Shared = Ring<kRows, kStages>;
  constexpr int kColumnTiles = kRows / kRowWarps / 8;
  const Product& work = tiles.work;
  std::byte* shared = shared_memory();
  const unsigned warp = threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  const unsigned output_warp = warp % kOutputWarps;
  const unsigned row_warp = warp / kOutputWarps;
  const OutputTile tile = output_tile(tiles, static_cast<int>(blockIdx.y));
  const int row_tile = static_cast<int>(blockIdx.x) * (kRows / kTileRows);
  const int frames = work.x.padded_cols / kTileCols;
  const int blocks = work.x.padded_cols / kBlockCols;

  let_next_kernel_start();
  wait_for_earlier_kernels();
  const auto fetch = [&](int frame) {
    if (frame < frames) {
      fetch_frame<kRows>(shared + static_cast<unsigned>(frame % kStages) * Shared::kStageBytes,
                         tile, work, row_tile, frame);
    }
    copy_group_end();
  };
  for (int frame = 0; frame < kStages - 1; ++frame) fetch(frame);
  Sums<kColumnTiles> c = {};
  Sums<kColumnTiles> total = {};
  int part = 0;
  for (int frame = 0; frame < frames; ++frame) {
    copy_groups_wait<kStages - 2>();
    sync_block();  // the frame is there, and nobody reads the one before
    fetch(frame + kStages - 1);
    const std::byte* stage = shared + static_cast<unsigned>(frame % kStages) * Shared::kStageBytes;
    multiply_frame<kColumnTiles>(
        c, stage + output_warp * 2 * kPieceBytes,
        stage + Shared::kWeightBytes + row_warp * (kRows / kRowWarps) * kRowBytes, lane);
    while (part < kProductParts && frame + 1 == part_begin(part + 1, blocks) * kPiecesOfBlock) {
      // Parts without blocks add zeros, as they do where each is summed by its own warp.
      end_part<kColumnTiles>(total, c, part == 0);
      ++part;
    }
  }

  const auto first_output = static_cast<int>(output_warp * 2 * kStripRows);
  const auto first_row = static_cast<int>(row_warp) * (kRows / kRowWarps);
  const int rows = work.rows - row_tile * kTileRows;
  if (work.kind == ProductKind::geglu) {
    // Warps 0 and 1 of the outputs have gate's 64, 2 and 3 up's.
    float* up = reinterpret_cast<float*>(shared);
    sync_block();
    const auto place = [](int output, int row) { return (output % 64) * (kRows + 1) + row; };
    if (output_warp >= kOutputWarps / 2) {
      for_each_total<kColumnTiles>(
          total, first_output, first_row, lane,
          [&](int output, int row, float x) { up[place(output, row)] = x; });
    }
    sync_block();
    if (output_warp >= kOutputWarps / 2) return;
    for_each_total<kColumnTiles>(
        total, first_output, first_row, lane, [&](int output, int row, float gate) {
          if (row < rows) {
            store_geglu(work, row_tile * kTileRows + row, tile.first_row + output, gate,
                        up[place(output, row)]);
          }
        });
    return;
  }
  for_each_total<kColumnTiles>(total, first_output, first_row, lane,
                               [&](int output, int row, float x) {
                                 store_output(work, tile, row_tile * kTileRows + row, output, x);
                               });
}

template <int kRows, int kStages>
void launch_many_as(cudaStream_t stream, const Product& work) {
  const OutputTiles tiles(work);
  const auto row_blocks = static_cast<unsigned>((work.rows + kRows - 1) / kRows);
  launch(stream,
         {"product_many", dim3(row_blocks, static_cast<unsigned>(tiles.count)), kThreads,
          Ring<kRows, kStages>::kBytes, work.starts_early},
         &product_many_kernel<kRows, kStages>, tiles);
}

}  // namespace

void launch_product_many(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  if (work.rows > kTileRows && Ring<128, 3>::kBytes <= limits.shared_bytes) {
    launch_many_as<128, 3>(stream, work);
  } else if (Ring<64, 3>::kBytes <= limits.shared_bytes) {
    launch_many_as<64, 3>(stream, work);
  } else {
    launch_many_as<64, 2>(stream, work);
  }
}

}  // namespace gemma2::cuda
