// SPDX-License-Identifier: Apache-2.0
//
// Products of many rows on Hopper. A block of three groups of four warps stays for many tiles of
// 128 outputs x 128 rows: one warp streams frames of 64 columns into a ring by the copy engine, two
// groups multiply them, 64 outputs each. The sums over k are those of product_many.cu, step by
// step; whether this card's two families of products round alike is asked of the card
// (families.h).
#include <algorithm>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/product_math.h"
#include "kernels/cuda/product_tiles.h"
#include "kernels/cuda/ptx_sm90a.h"
#include "kernels/cuda/ring_place.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {
namespace {

constexpr int kGroupThreads = 128;
constexpr int kThreads = 3 * kGroupThreads;
constexpr int kMultiplying = 2 * kGroupThreads;
constexpr int kRows = 128;
constexpr int kRowTiles = kRows / kTileRows;
constexpr unsigned kStages = 4;
constexpr unsigned kWeightBytes = kTileOutputs * kRowBytes;
constexpr unsigned kStageBytes = kWeightBytes + kRows * kRowBytes;
constexpr unsigned kUpStride = kRows + 1;  // of the exchange of gate and up; odd: no bank conflicts
constexpr unsigned kUpBytes = 64 * kUpStride * 4;
constexpr unsigned kUp = kStages * kStageBytes;
constexpr unsigned kBarriers = kUp + (kUpBytes + 127) / 128 * 128;
constexpr unsigned kSharedBytes = kBarriers + 2 * kStages * 8;
constexpr unsigned kStreamingRegisters = 40;
constexpr unsigned kMultiplyingRegisters = 232;

using Place = RingPlace<kStages>;

struct Barriers {
  std::uint64_t* filled;   // [kStages]
  std::uint64_t* emptied;  // [kStages]
};

/// The tiles in an order in which neighbours share what they read: rows run fastest.
struct TileOrder {
  int row_blocks;
  int count;
};

/// One warp: each lane copies a piece of weights or a tile of rows.
__device__ __forceinline__ void stream(const OutputTiles& tiles, const TileOrder& order,
                                       std::byte* shared, const Barriers& barriers) {
  const Product& work = tiles.work;
  const auto lane = static_cast<int>(threadIdx.x % 32);
  const int frames = work.x.padded_cols / kTileCols;
  const auto row_stride = static_cast<std::size_t>(frames) * kTileBytes;
  const int last_tile = (work.rows - 1) / kTileRows;
  Place at;
  for (int index = static_cast<int>(blockIdx.x); index < order.count;
       index += static_cast<int>(gridDim.x)) {
    const OutputTile tile = output_tile(tiles, index / order.row_blocks);
    const int row_tile = index % order.row_blocks * kRowTiles;
    const std::byte* from = nullptr;
    unsigned bytes = 0;
    unsigned to = 0;
    if (lane < kStripsOfTile) {
      from = strip_of(tile, lane, static_cast<std::size_t>(frames));
      bytes = kPieceBytes;
      to = static_cast<unsigned>(lane) * kPieceBytes;
    } else if (lane < kStripsOfTile + kRowTiles) {
      const int part = lane - kStripsOfTile;
      from =
          work.x.data + static_cast<std::size_t>(std::min(row_tile + part, last_tile)) * row_stride;
      bytes = kTileBytes;
      to = kWeightBytes + static_cast<unsigned>(part) * kTileBytes;
    }
    for (int frame = 0; frame < frames; ++frame) {
      barrier_wait(barriers.emptied + at.stage, at.parity ^ 1);  // at first they are
      if (lane == 0) barrier_arrive_expecting(barriers.filled + at.stage, kStageBytes);
      sync_warp();
      if (bytes != 0) {
        copy_block_begin(shared + at.stage * kStageBytes + to,
                         from + static_cast<std::size_t>(frame) * bytes, bytes,
                         barriers.filled + at.stage);
      }
      at.step();
    }
  }
}

/// One frame's four steps of k.
__device__ __forceinline__ void multiply_frame(float (&c)[64], const std::byte* weights,
                                               const std::byte* rows, bool begins_part) {
  products_begin();
#pragma unroll
  for (unsigned step = 0; step < kTileCols / 16; ++step) {
    multiply_64x128(c, operand(weights + step * 32, 8 * kRowBytes, 0),
                    operand(rows + step * 32, 8 * kRowBytes, 0), !begins_part || step != 0);
  }
  products_end();
}

/// All four parts of k, each from zero, added in their order.
__device__ __forceinline__ void sum_parts(float (&total)[64], int blocks, const std::byte* shared,
                                          unsigned group, const Barriers& barriers, Place& at) {
#pragma unroll
  for (int i = 0; i < 64; ++i) total[i] = 0;
  for (int part = 0; part < kProductParts; ++part) {
    float c[64];
    const int frames = (part_begin(part + 1, blocks) - part_begin(part, blocks)) * kPiecesOfBlock;
    if (frames == 0) {
#pragma unroll
      for (int i = 0; i < 64; ++i) total[i] += 0.0F;  // as a part of zeros: minus zero becomes zero
      continue;
    }
    Place before = at;
    for (int frame = 0; frame < frames; ++frame) {
      barrier_wait(barriers.filled + at.stage, at.parity);
      const std::byte* stage = shared + at.stage * kStageBytes;
      multiply_frame(c, stage + group * (kWeightBytes / 2), stage + kWeightBytes, frame == 0);
      // The frame before is done when at most this one is under way.
      products_wait<1>();
      if (frame != 0) {
        if (threadIdx.x % 32 == 0) barrier_arrive(barriers.emptied + before.stage);
        before.step();
      }
      at.step();
    }
    products_wait<0>();
    pin_registers(c);
    if (threadIdx.x % 32 == 0) barrier_arrive(barriers.emptied + before.stage);
#pragma unroll
    for (int i = 0; i < 64; ++i) total[i] = part == 0 ? c[i] : total[i] + c[i];
  }
}

/// Calls take(output within the group's 64, row within the tile, total).
template <typename Take>
__device__ __forceinline__ void for_each_total(const float (&total)[64], Take take) {
  const unsigned lane = threadIdx.x % 32;
  const int first = static_cast<int>(threadIdx.x / 32 % 4 * 16 + lane / 4);
#pragma unroll
  for (int i = 0; i < 64; ++i) {
    take(first + i / 2 % 2 * 8, i / 4 * 8 + static_cast<int>(lane % 4) * 2 + i % 2, total[i]);
  }
}

__device__ __forceinline__ void store_tile(const Product& work, const OutputTile& tile,
                                           int first_row, unsigned group, std::byte* shared,
                                           const float (&total)[64]) {
  if (work.kind != ProductKind::geglu) {
    for_each_total(total, [&](int output, int row, float x) {
      store_output(work, tile, first_row + row, static_cast<int>(group) * 64 + output, x);
    });
    return;
  }
  float* up = reinterpret_cast<float*>(shared + kUp);
  const auto place = [](int output, int row) {
    return static_cast<unsigned>(output) * kUpStride + static_cast<unsigned>(row);
  };
  if (group == 1) {
    for_each_total(total, [&](int output, int row, float x) { up[place(output, row)] = x; });
  }
  sync_some(1, kMultiplying);
  if (group == 0) {
    for_each_total(total, [&](int output, int row, float gate) {
      if (first_row + row >= work.rows) return;
      store_geglu(work, first_row + row, tile.first_row + output, gate, up[place(output, row)]);
    });
  }
  sync_some(1, kMultiplying);  // before the next tile's are written
}

__global__ void __launch_bounds__(kThreads, 1)
    product_hopper_kernel(const __grid_constant__ OutputTiles tiles, TileOrder order) {
  const Product& work = tiles.work;
  std::byte* shared = shared_memory();
  auto* words = reinterpret_cast<std::uint64_t*>(shared + kBarriers);
  const Barriers barriers{words, words + kStages};
  if (threadIdx.x == 0) {
    for (unsigned stage = 0; stage < kStages; ++stage) {
      barrier_create(barriers.filled + stage, 1);
      barrier_create(barriers.emptied + stage, kMultiplying / 32);
    }
    fence_barrier_creation();
  }
  sync_block();
  let_next_kernel_start();
  wait_for_earlier_kernels();
  if (threadIdx.x < kGroupThreads) {
    give_registers<kStreamingRegisters>();
    if (threadIdx.x < 32) stream(tiles, order, shared, barriers);
  } else {
    take_registers<kMultiplyingRegisters>();
    const unsigned group = threadIdx.x / kGroupThreads - 1;
    const int blocks = work.x.padded_cols / kBlockCols;
    Place at;
    for (int index = static_cast<int>(blockIdx.x); index < order.count;
         index += static_cast<int>(gridDim.x)) {
      float total[64];
      sum_parts(total, blocks, shared, group, barriers, at);
      store_tile(work, output_tile(tiles, index / order.row_blocks),
                 index % order.row_blocks * kRows, group, shared, total);
    }
  }
}

}  // namespace

bool has_hopper_products() {
  return true;
}

void launch_product_hopper(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  const OutputTiles tiles(work);
  const int row_blocks = (work.rows + kRows - 1) / kRows;
  const TileOrder order{row_blocks, row_blocks * tiles.count};
  launch(
      stream,
      {"product_hopper", dim3(static_cast<unsigned>(std::min(order.count, limits.multiprocessors))),
       kThreads, kSharedBytes, work.starts_early},
      &product_hopper_kernel, tiles, order);
}

}  // namespace gemma2::cuda
