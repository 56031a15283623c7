// SPDX-License-Identifier: Apache-2.0
//
// Attention for query tiles of many rows on Hopper, over bf16 caches. One warp streams keys and
// values by the copy engine into a ring of 32 KB stages; two groups of four warps multiply. A step
// is 128 positions:
//   heads of 128  each group has 64 rows of its own, all positions and all columns;
//   heads of 256  both groups have the same 64 rows: each weighs 64 of the positions, they trade
//                 weights, and each takes half of the columns.
// So a thread has 64 sums of the current chunk and 64 of all before, whatever the head. 128 rows of
// heads of 256, which would halve what is read, would need twice the registers there are.
//
// While the values of a step are multiplied, the weights of the next one are computed: its keys are
// multiplied first. The order of every sum is that of attention_many.cu.
#include "kernels/cuda/attention_tiles.h"
#include "kernels/cuda/attention_weights.h"
#include "kernels/cuda/cache_fragments.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx_sm90a.h"
#include "kernels/cuda/ring_place.h"

namespace gemma2::cuda {
namespace {

constexpr int kGroupThreads = 128;
constexpr int kMultiplying = 2 * kGroupThreads;
constexpr int kThreads = kMultiplying + kGroupThreads;
constexpr int kStreamingRegisters = 24;
constexpr int kMultiplyingRegisters = 240;
constexpr int kStep = 128;  // positions
constexpr int kTilesOfStep = kStep / kCacheTile;
constexpr int kTile = static_cast<int>(kTileBytes);  // 64 rows of 64 bf16
constexpr int kCopies = 4;                           // tiles of a stage
constexpr int kStageBytes = kCopies * kTile;
constexpr unsigned kRowGroup = 8 * kRowBytes;

/// The operand that begins `bytes` further on.
__device__ __forceinline__ std::uint64_t further(std::uint64_t operand_place, int bytes) {
  return operand_place + static_cast<std::uint64_t>(bytes / 16);
}

/// Found again when they are needed again: registers are short. The last tiles of a sequence see
/// most: they begin first.
__device__ __forceinline__ QueryRows rows_of_block(const Attention& work) {
  return {work, static_cast<int>(gridDim.y - 1 - blockIdx.y), static_cast<int>(blockIdx.x)};
}

template <int kHeadDim>
struct Hopper {
  static constexpr bool kShared = kHeadDim == 256;  // both groups have the same rows
  static constexpr int kRows = kShared ? 64 : 128;
  static constexpr int kPieces = kHeadDim / kPieceCols;
  static constexpr int kTilesOfStage = kCopies / kPieces;
  static constexpr int kStagesOfStep = kTilesOfStep / kTilesOfStage;  // of keys, and of values
  static constexpr int kOwnTiles = kShared ? 1 : kTilesOfStep;        // that a group weighs
  static constexpr int kKeySteps = kHeadDim / 16;
  static constexpr int kQueryBytes = kRows * kHeadDim * 2;
  // Of a step; those of the next are put beside them.
  static constexpr int kWeightBytes = kRows * kStep * 2;
  static constexpr int kSums = kTilesOfStep * kRows;  // of weights
  static constexpr int kStages = kShared ? 5 : 4;
  static constexpr int kSharedBytes = kStages * kStageBytes + kQueryBytes + 2 * kWeightBytes +
                                      2 * kSums * static_cast<int>(sizeof(float)) + 2 * kStages * 8;

  using Scores = float[kOwnTiles * 32];
  using Sums = float[64];

  __device__ static std::byte* stage(int i) { return shared_memory() + i * kStageBytes; }
  __device__ static std::byte* queries() { return stage(kStages); }
  __device__ static std::byte* weights() { return queries() + kQueryBytes; }
  __device__ static float* tile_sums() {
    return reinterpret_cast<float*>(weights() + 2 * kWeightBytes);
  }
  __device__ static std::uint64_t* filled() {
    return reinterpret_cast<std::uint64_t*>(tile_sums() + 2 * kSums);
  }
  __device__ static std::uint64_t* emptied() { return filled() + kStages; }

  using Place = RingPlace<kStages>;

  /// The steps that a tile sees.
  struct Steps {
    PositionRange seen;
    int first;
    int count;

    __device__ explicit Steps(const QueryRows& rows)
        : seen(rows.seen()), first(seen.first / kStep), count(seen.last() / kStep - first + 1) {}
    __device__ int position(int step) const { return (first + step) * kStep; }
  };

  // ---- One warp streams -----------------------------------------------------------------------

  /// One step's keys, or values: [stage][piece][tile] or [stage][tile][piece] of 64 x 64.
  __device__ __forceinline__ static void stream_step(const CachePlane& plane, int position,
                                                     bool keys, Place& at) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    for (int i = 0; i < kStagesOfStep; ++i) {
      barrier_wait(emptied() + at.stage, at.parity ^ 1);  // at first they are
      if (lane == 0) barrier_arrive_expecting(filled() + at.stage, kStageBytes);
      sync_warp();
      if (lane < kCopies) {
        const int tile = lane / kPieces;
        const int piece = lane % kPieces;
        const int place = keys ? piece * kTilesOfStage + tile : lane;
        const std::byte* from = plane.tile(position + (i * kTilesOfStage + tile) * kCacheTile);
        copy_block_begin(stage(at.stage) + place * kTile, from + piece * kTile, kTile,
                         filled() + at.stage);
      }
      at.step();
    }
  }

  /// Keys one step ahead of values.
  __device__ __forceinline__ static void stream(const Attention& work, const QueryRows& rows,
                                                const Steps& steps) {
    const CachePlace cache = work.caches[rows.tile.first_row];
    const CachePlane keys(cache.keys, cache.capacity, work.shape, rows.kv_head);
    const CachePlane values(cache.values, cache.capacity, work.shape, rows.kv_head);
    Place at;
    stream_step(keys, steps.position(0), true, at);
    for (int step = 0; step < steps.count; ++step) {
      if (step + 1 < steps.count) stream_step(keys, steps.position(step + 1), true, at);
      stream_step(values, steps.position(step), false, at);
    }
  }

  // ---- Two groups of four warps multiply --------------------------------------------------------

  /// What a thread of the groups has.
  struct Share {
    int group;
    int lane;
    int row;         // of the group's 64; and that + 8
    int block_row;   // of the block's
    int first_tile;  // of the step's, that the group weighs
    PositionRange seen[2];

    __device__ Share(const QueryRows& rows)
        : group(static_cast<int>(threadIdx.x) / kGroupThreads),
          lane(static_cast<int>(threadIdx.x % 32)),
          row(static_cast<int>(threadIdx.x) / 32 % 4 * 16 + lane / 4),
          block_row(kShared ? row : group * 64 + row),
          first_tile(kShared ? group : 0),
          seen{rows.seen(block_row), rows.seen(block_row + 8)} {}

    /// A step's weights of the group's rows and 64 positions.
    __device__ __forceinline__ std::byte* piece(int step, int tile) const {
      return weights() + step % 2 * kWeightBytes +
             ((kShared ? 0 : group * kTilesOfStep) + tile) * kTile;
    }
    /// The sums of weights of this thread's first row and 64 positions.
    __device__ __forceinline__ float* tile_sum(int step, int tile) const {
      return tile_sums() + step % 2 * kSums + tile * kRows + block_row;
    }
  };

  /// Waits for all threads that have weights of the same rows.
  __device__ __forceinline__ static void sync_rows(const Share& share) {
    if (kShared) {
      sync_some(1, kMultiplying);
    } else if (share.group == 0) {
      sync_some(2, kGroupThreads);
    } else {
      sync_some(3, kGroupThreads);
    }
  }

  /// Waits for a step's stages, and says that this warp needs them no more.
  __device__ __forceinline__ static void release(Place at) {
    for (int i = 0; i < kStagesOfStep; ++i) {
      barrier_wait(filled() + at.stage, at.parity);  // one that it had no need of may be on its way
      sync_warp();  // behind the stage's next round no lane would find this one
      if (threadIdx.x % 32 == 0) barrier_arrive(emptied() + at.stage);
      at.step();
    }
  }
  __device__ __forceinline__ static void skip(Place& at) {
    for (int i = 0; i < kStagesOfStep; ++i) at.step();
  }

  /// Begins the products of the group's rows and the keys that it weighs.
  __device__ __forceinline__ static void begin_scores(Scores& score, Place at, const Share& share) {
    if (kShared && share.group == 1) at.step();
    barrier_wait(filled() + at.stage, at.parity);
    const std::byte* keys = stage(at.stage);
    const std::byte* rows = queries() + (kShared ? 0 : share.group * kTile);
    const std::uint64_t a = not_ahead(operand(rows, kRowGroup, 0));
    const std::uint64_t b = operand(keys, kRowGroup, 0);
    products_begin();
#pragma unroll
    for (int k = 0; k < kKeySteps; ++k) {
      const std::uint64_t row_place = further(a, k / 4 * (kRows * 128) + k % 4 * 32);
      const std::uint64_t key_place = further(b, k / 4 * (kTilesOfStage * kTile) + k % 4 * 32);
      if constexpr (kShared) {
        multiply_64x64(score, row_place, key_place, k != 0);
      } else {
        multiply_64x128(score, row_place, key_place, k != 0);
      }
    }
    products_end();
  }

  /// Scores to weights, to shared memory, with their sums.
  __device__ __forceinline__ static void put_weights(const Scores& score, const Share& share,
                                                     const Steps& steps, int step,
                                                     const SoftCap& cap) {
#pragma unroll
    for (int own = 0; own < kOwnTiles; ++own) {
      const int tile = share.first_tile + own;
      const int column = share.lane % 4 * 2;
      const int position = steps.position(step) + tile * kCacheTile + column;
      std::byte* piece = share.piece(step, tile);
      WeightSum sum;
#pragma unroll
      for (int n = 0; n < 8; n += 2) {  // fragments of 8 positions
        std::uint32_t a[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int first = position + (n + i / 2) * 8;
          const PositionRange& seen = share.seen[i % 2];
          float x[2] = {score[own * 32 + n * 4 + 2 * i], score[own * 32 + n * 4 + 2 * i + 1]};
          weigh(x, cap);
          a[i] = pack_bf16(seen.has(first) ? x[0] : 0.0F, seen.has(first + 1) ? x[1] : 0.0F);
          const auto row = static_cast<unsigned>(share.row + i % 2 * 8);
          const auto byte = static_cast<unsigned>((n + i / 2) * 8 + column) * 2;
          *reinterpret_cast<std::uint32_t*>(piece + swizzled(row, byte)) = a[i];
        }
        sum.add(a);
      }
      if (share.lane % 4 == 0) {
        float* to = share.tile_sum(step, tile);
        to[0] = sum.tile[0];
        to[8] = sum.tile[2];
      }
    }
  }

  /// Waits for a step's values; positions that nobody sees become zeros.
  __device__ __forceinline__ static void await_values(Place at, const Steps& steps, int step) {
    const int begin = steps.position(step);
    const bool whole = steps.seen.has(begin) && steps.seen.has(begin + kStep - 1);
    for (int i = 0; i < kStagesOfStep; ++i, at.step()) {
      barrier_wait(filled() + at.stage, at.parity);
      if (whole) continue;
      constexpr int kUnitsOfTile = kTile / 16;
      for (int unit = static_cast<int>(threadIdx.x); unit < kCopies * kUnitsOfTile;
           unit += kMultiplying) {
        const int tile = i * kTilesOfStage + unit / kUnitsOfTile / kPieces;
        const int position = begin + tile * kCacheTile + unit % kUnitsOfTile / 8;
        if (steps.seen.has(position)) continue;
        *reinterpret_cast<uint4*>(stage(at.stage) + unit * 16) = uint4{0, 0, 0, 0};
      }
    }
    if (whole) return;
    fence_for_tensor_cores();
    sync_some(1, kMultiplying);
  }

  /// Begins the products of the weights and the values of the group's columns.
  __device__ __forceinline__ static void begin_values(Sums& sum, Place at, const Share& share,
                                                      const Steps& steps, int step) {
    const bool accumulate = step != 0 && steps.position(step) % kAttentionChunk != 0;
    const std::uint64_t a = operand(share.piece(step, 0), kRowGroup, 0);
    products_begin();
#pragma unroll
    for (int stage_of_step = 0; stage_of_step < kStagesOfStep; ++stage_of_step) {
      const std::byte* values = stage(at.stage) + (kShared ? share.group * 2 * kTile : 0);
      const std::uint64_t b = operand(values, kRowGroup, kTile);
#pragma unroll
      for (int k = 0; k < kTilesOfStage * 4; ++k) {
        const int tile = stage_of_step * kTilesOfStage + k / 4;
        const std::uint64_t weight_place = further(a, tile * kTile + k % 4 * 32);
        const std::uint64_t value_place =
            further(b, k / 4 * (kPieces * kTile) + k % 4 * (2 * static_cast<int>(kRowGroup)));
        multiply_64x128_transposed(sum, weight_place, value_place, accumulate || tile + k != 0);
      }
      at.step();
    }
    products_end();
  }

  /// What is summed up over all steps.
  struct Totals {
    Sums sum;  // of the chunk
    Sums total = {};
    WeightSum weight;

    __device__ __forceinline__ void add_weights(const Share& share, int step) {
#pragma unroll
      for (int tile = 0; tile < kTilesOfStep; ++tile) {
        const float* from = share.tile_sum(step, tile);
        weight.chunk[0] += from[0];
        weight.chunk[1] += from[8];
      }
    }
    __device__ __forceinline__ void end_chunk() {
#pragma unroll
      for (int i = 0; i < 64; ++i) total[i] += sum[i];
      weight.end_chunk();
    }
    __device__ __forceinline__ void put(const Attention& work, const QueryRows& rows,
                                        const Share& share) const {
      const int column = (kShared ? share.group * 128 : 0) + share.lane % 4 * 2;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int m = share.block_row + 8 * half;
        if (m >= rows.count()) continue;
        const float weight_total = weight.total[half];
#pragma unroll
        for (int n = 0; n < 16; ++n) {
          const float* two = total + 4 * n + 2 * half;
          rows.put(work.out, m, column + 8 * n, two[0] / weight_total, two[1] / weight_total);
        }
      }
    }
  };

  /// A step's weights are there, and nobody multiplies those of the step before any more.
  __device__ __forceinline__ static void await_weights(Totals& totals, const Share& share,
                                                       int step) {
    fence_for_tensor_cores();
    sync_rows(share);
    totals.add_weights(share, step);
  }

  __device__ __forceinline__ static void attend(const Attention& work, const Share& share,
                                                const Steps& steps, const SoftCap& cap) {
    Scores score;
    Totals totals;
    Place at;
    begin_scores(score, at, share);
    products_wait<0>();
    pin_registers(score);
    release(at);
    skip(at);
    put_weights(score, share, steps, 0, cap);
    for (int step = 0; step + 1 < steps.count; ++step) {
      await_weights(totals, share, step);
      const Place keys = at;
      begin_scores(score, keys, share);
      skip(at);
      await_values(at, steps, step);
      begin_values(totals.sum, at, share, steps, step);
      products_wait<1>();
      pin_registers(score);
      release(keys);
      put_weights(score, share, steps, step + 1, cap);
      products_wait<0>();
      pin_registers(totals.sum);
      release(at);
      skip(at);
      if (steps.position(step + 1) % kAttentionChunk == 0) totals.end_chunk();
    }
    const int last = steps.count - 1;
    await_weights(totals, share, last);
    await_values(at, steps, last);
    begin_values(totals.sum, at, share, steps, last);
    products_wait<0>();
    pin_registers(totals.sum);
    totals.end_chunk();
    totals.put(work, rows_of_block(work), share);
  }
};

/// Grid: key/value heads, tiles.
template <int kHeadDim>
__global__ void __launch_bounds__(kThreads, 1)
    attention_hopper_kernel(Attention work, SoftCap cap) {
  using This = Hopper<kHeadDim>;
  if (threadIdx.x == 0) {
    for (int i = 0; i < This::kStages; ++i) {
      barrier_create(This::filled() + i, 1);
      barrier_create(This::emptied() + i, kMultiplying / 32);
    }
    fence_barrier_creation();
  }
  sync_block();
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const QueryRows rows = rows_of_block(work);
  if (rows.tile.rows <= 0) return;
  const typename This::Steps steps(rows);
  if (threadIdx.x >= kMultiplying) {
    give_registers<kStreamingRegisters>();
    if (threadIdx.x < kMultiplying + 32) This::stream(work, rows, steps);
    return;
  }
  take_registers<kMultiplyingRegisters>();
  if (rows.kv_head == 0) {
    zero_padding(work.out, rows.tile, work.shape.num_heads * kHeadDim, kMultiplying);
  }
  put_queries<CacheFormat::bf16, kHeadDim, This::kRows, kMultiplying>(This::queries(), work, rows);
  fence_for_tensor_cores();
  sync_some(1, kMultiplying);
  This::attend(work, typename This::Share(rows), steps, cap);
}

template <int kHeadDim>
void launch_head_dim(cudaStream_t stream, const Attention& work) {
  const dim3 grid(static_cast<unsigned>(work.shape.num_kv_heads),
                  static_cast<unsigned>(work.num_tiles));
  launch(
      stream,
      {"attention of many rows", grid, kThreads, Hopper<kHeadDim>::kSharedBytes, work.starts_early},
      attention_hopper_kernel<kHeadDim>, work, soft_cap_of(work.shape));
}

}  // namespace

void launch_attention_hopper(cudaStream_t stream, const Attention& work) {
  if (work.shape.head_dim == 256) return launch_head_dim<256>(stream, work);
  launch_head_dim<128>(stream, work);
}

}  // namespace gemma2::cuda
