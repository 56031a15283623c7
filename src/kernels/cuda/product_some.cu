// SPDX-License-Identifier: Apache-2.0
//
// Products of 9 to 64 rows by quantized weights: batched decoding. Still bound by reading weights,
// which therefore are not unpacked to memory first, as for many rows, but in registers. As for few
// rows each warp has one strip and one of the four parts of k; but the rows are too many to stay in
// shared memory, so that all strips' warps of a part stream them together, a frame of 64 columns at
// a time.
#include <algorithm>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/product_math.h"
#include "kernels/cuda/product_tiles.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"
#include "kernels/cuda/weight_frames.h"

namespace gemma2::cuda {
namespace {

constexpr int kAhead = 3;  // frames on their way
constexpr int kRowStages = kAhead + 1;
constexpr int kWeightBlocks = 2;  // a warp's ring; kAhead frames span two at most
static_assert(kAhead <= kPiecesOfBlock);

/// A product and how it falls into blocks of kStrips strips; made by the host.
struct StripGroups {
  Product work;
  int count;                          // in all
  int end_group[WeightStack::kMost];  // of each part of the stack
  int first_output[WeightStack::kMost];

  StripGroups(const Product& product, int strips)
      : work(product), count(0), end_group{}, first_output{} {
    const bool paired = work.kind == ProductKind::geglu;
    const int width = (paired ? strips / 2 : strips) * kStripRows;
    int outputs = 0;
    for (int i = 0; i < WeightStack::kMost; ++i) {
      if (i < work.weights.count && (!paired || i == 0)) {
        count += (work.weights.part[i].rows + width - 1) / width;
      }
      end_group[i] = count;
      first_output[i] = outputs;
      outputs += work.weights.part[i].rows;
    }
  }
};

/// What each warp streams, and each part's rows; afterwards the parts' sums.
template <typename Frames, int kStrips, int kTiles>
struct SomeShared {
  static constexpr unsigned kWarps = kStrips * kProductParts;
  static constexpr unsigned kRing = kWeightBlocks * Frames::kBlockBytes;
  static constexpr unsigned kFrameBytes = kTiles * 8 * kRowBytes;  // of rows
  static constexpr unsigned kRows = kWarps * kRing;
  static constexpr unsigned kScratch = kRows + kProductParts * kRowStages * kFrameBytes;
  static constexpr unsigned kStreams = kScratch + kWarps * Frames::kScratchBytes;
  static constexpr unsigned kSums = kWarps * kStripRows * kTiles * 8 * 4;
  static constexpr unsigned kBytes = kStreams > kSums ? kStreams : kSums;
};

/// Begins the copy of frame `frame` of the block at `from`, and of what stands behind the frames.
template <typename Frames>
__device__ __forceinline__ void fetch_weights(std::byte* to, const std::byte* from, unsigned frame,
                                              unsigned lane) {
  constexpr unsigned kFrameBytes = Frames::kBlockBytes / kPiecesOfBlock / 16 * 16;
  constexpr unsigned kTail = kPiecesOfBlock * kFrameBytes;
#pragma unroll
  for (unsigned i = 0; i < (kFrameBytes + 511) / 512; ++i) {
    const unsigned offset = (i * 32 + lane) * 16;
    if (offset < kFrameBytes) {
      copy_16_begin(to + frame * kFrameBytes + offset, from + frame * kFrameBytes + offset);
    }
  }
  if constexpr (kTail < Frames::kBlockBytes) {
    if (frame == 0 && lane * 16 < Frames::kBlockBytes - kTail) {
      copy_16_begin(to + kTail + lane * 16, from + kTail + lane * 16);
    }
  }
}

/// One strip and one part of k: c = its sum. Of a warp; the warps of a part go together.
template <typename Frames, int kStrips, int kTiles>
__device__ __forceinline__ void sum_part(float (&c)[kTiles][4], std::byte* ring, std::byte* scratch,
                                         std::byte* rows, const std::byte* weights,
                                         const std::byte* x, int frames, int part,
                                         unsigned thread) {
  using Shared = SomeShared<Frames, kStrips, kTiles>;
  constexpr unsigned kThreads = kStrips * 32;  // of the part
  const unsigned lane = threadIdx.x % 32;
  const auto fetch = [&](int frame) {
    if (frame < frames) {
      const auto block = static_cast<unsigned>(frame) / kPiecesOfBlock;
      fetch_weights<Frames>(ring + block % kWeightBlocks * Frames::kBlockBytes,
                            weights + static_cast<std::size_t>(block) * Frames::kBlockBytes,
                            static_cast<unsigned>(frame) % kPiecesOfBlock, lane);
      std::byte* to = rows + static_cast<unsigned>(frame % kRowStages) * Shared::kFrameBytes;
      const std::byte* from = x + static_cast<std::size_t>(frame) * kTileBytes;
      for (unsigned i = thread * 16; i < Shared::kFrameBytes; i += kThreads * 16) {
        copy_16_begin(to + i, from + i);
      }
    }
    copy_group_end();
  };
  for (int frame = 0; frame < kAhead; ++frame) fetch(frame);
#pragma unroll 1
  for (int frame = 0; frame < frames; ++frame) {
    copy_groups_wait<kAhead - 1>();
    sync_some(1 + part, static_cast<int>(kThreads));  // and nobody reads the frame before
    fetch(frame + kAhead);
    FrameRegisters a;
    Frames::load(
        a,
        ring + static_cast<unsigned>(frame) / kPiecesOfBlock % kWeightBlocks * Frames::kBlockBytes,
        static_cast<unsigned>(frame) % kPiecesOfBlock, lane, scratch);
    const std::byte* tile = rows + static_cast<unsigned>(frame % kRowStages) * Shared::kFrameBytes;
#pragma unroll
    for (unsigned group = 0; group < kGroupsOfFrame; ++group) {
#pragma unroll
      for (unsigned pair = 0; pair < kTiles / 2; ++pair) {
        std::uint32_t b[4];
        const unsigned row = pair * 16 + lane / 16 * 8 + lane % 8;
        load_matrices(b, tile + swizzled(row, (2 * group + lane / 8 % 2) * 16));
        multiply_add(c[2 * pair], a[group], b[0], b[1]);
        multiply_add(c[2 * pair + 1], a[group], b[2], b[3]);
      }
    }
  }
  copy_groups_wait<0>();
}

template <typename Frames, int kStrips, int kTiles>
__global__ void __launch_bounds__(kStrips* kProductParts * 32, 1)
    product_some_kernel(const __grid_constant__ StripGroups groups) {
  using Shared = SomeShared<Frames, kStrips, kTiles>;
  constexpr int kThreads = kStrips * kProductParts * 32;
  const Product& work = groups.work;
  std::byte* shared = shared_memory();
  const unsigned warp = threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  const int part = static_cast<int>(warp) % kProductParts;
  const int sub = static_cast<int>(warp) / kProductParts;

  int index = static_cast<int>(blockIdx.x);
  const int member = index < groups.end_group[0] ? 0 : index < groups.end_group[1] ? 1 : 2;
  if (member > 0) index -= groups.end_group[member - 1];
  const bool paired = work.kind == ProductKind::geglu;
  const int width = paired ? kStrips / 2 : kStrips;
  const bool is_up = paired && sub >= width;
  const StripWeight& weight = work.weights.part[is_up ? 1 : member];
  // Strips beyond the last read the last one's weights; nothing is stored for them.
  const int strip = std::min(index * width + sub % width, (weight.rows - 1) / kStripRows);
  const int blocks = weight.padded_cols / kBlockCols;
  const int begin = part_begin(part, blocks);
  const int frames = (part_begin(part + 1, blocks) - begin) * kPiecesOfBlock;

  let_next_kernel_start();
  wait_for_earlier_kernels();
  float c[kTiles][4] = {};
  sum_part<Frames, kStrips, kTiles>(
      c, shared + warp * Shared::kRing, shared + Shared::kScratch + warp * Frames::kScratchBytes,
      shared + Shared::kRows + static_cast<unsigned>(part * kRowStages) * Shared::kFrameBytes,
      weight.data + (static_cast<std::size_t>(strip) * static_cast<std::size_t>(blocks) +
                     static_cast<std::size_t>(begin)) *
                        Frames::kBlockBytes,
      work.x.data + static_cast<std::size_t>(begin * kPiecesOfBlock) * kTileBytes, frames, part,
      static_cast<unsigned>(sub) * 32 + lane);
  sync_block();

  // [strip][part][row of x][output of the strip]
  constexpr int kStripSums = kTiles * 8 * kStripRows;
  float* sums = reinterpret_cast<float*>(shared);
  float* mine = sums + static_cast<int>(warp) * kStripSums;
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = tile * 8 + static_cast<int>(lane % 4) * 2 + i % 2;
      mine[row * kStripRows + static_cast<int>(lane / 4) + i / 2 * 8] = c[tile][i];
    }
  }
  sync_block();
  OutputTile tile{};
  tile.first_row = index * width * kStripRows;
  tile.first_output = groups.first_output[member] + tile.first_row;
  tile.end_row = work.weights.part[member].rows;
  const auto total = [sums](int at) {
    const float* first = sums + at / kStripSums * kProductParts * kStripSums + at % kStripSums;
    return add_parts(first[0], first[kStripSums], first[2 * kStripSums], first[3 * kStripSums]);
  };
  for (int i = static_cast<int>(threadIdx.x); i < width * kStripSums; i += kThreads) {
    const int row = i % kStripSums / kStripRows;
    const int output = i / kStripSums * kStripRows + i % kStripRows;
    if (row >= work.rows) continue;
    if (paired) {
      store_geglu(work, row, tile.first_row + output, total(i), total(i + width * kStripSums));
    } else {
      store_output(work, tile, row, output, total(i));
    }
  }
}

template <typename Frames, int kStrips, int kTiles>
bool launch_some_as(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  constexpr unsigned kBytes = SomeShared<Frames, kStrips, kTiles>::kBytes;
  if (kBytes > limits.shared_bytes) return false;
  const StripGroups groups(work, kStrips);
  launch(stream,
         {"product_some", dim3(static_cast<unsigned>(groups.count)), kStrips * kProductParts * 32,
          kBytes, work.starts_early},
         &product_some_kernel<Frames, kStrips, kTiles>, groups);
  return true;
}

/// Four strips a block read the rows half as often as two, but make half as many blocks.
template <typename Frames, int kTiles>
bool launch_some_rows(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  const bool enough = StripGroups(work, 4).count >= limits.multiprocessors;
  return (enough && launch_some_as<Frames, 4, kTiles>(stream, work, limits)) ||
         launch_some_as<Frames, 2, kTiles>(stream, work, limits);
}

template <typename Frames>
bool launch_some_frames(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  if (work.rows <= 16) return launch_some_rows<Frames, 2>(stream, work, limits);
  if (work.rows <= 32) return launch_some_rows<Frames, 4>(stream, work, limits);
  return launch_some_rows<Frames, 8>(stream, work, limits);
}

/// The shared memory of the smallest blocks, which is what decides.
template <typename Frames>
std::size_t least_shared(int rows) {
  return rows <= 16   ? SomeShared<Frames, 2, 2>::kBytes
         : rows <= 32 ? SomeShared<Frames, 2, 4>::kBytes
                      : SomeShared<Frames, 2, 8>::kBytes;
}

}  // namespace

bool fits_some(const Product& work, const BlockLimits& limits) {
  if (work.rows > kSomeRows) return false;
  const DType type = work.weights.part[0].type;
  for (int i = 1; i < work.weights.count; ++i) {
    if (work.weights.part[i].type != type) return false;
  }
  if (type == DType::q6_k) return least_shared<Q6Frames>(work.rows) <= limits.shared_bytes;
  return type == DType::q8_0 && least_shared<Q8Frames>(work.rows) <= limits.shared_bytes;
}

void launch_product_some(cudaStream_t stream, const Product& work, const BlockLimits& limits) {
  if (work.weights.part[0].type == DType::q6_k) {
    launch_some_frames<Q6Frames>(stream, work, limits);
  } else {
    launch_some_frames<Q8Frames>(stream, work, limits);
  }
}

}  // namespace gemma2::cuda
