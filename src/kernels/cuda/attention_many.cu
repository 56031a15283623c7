// SPDX-License-Identifier: Apache-2.0
//
// Attention for query tiles of up to 64 rows of heads, on tensor cores of every generation. A block
// goes through all positions that its tile sees, in steps, skipping those that nobody does. Warp w
// has 32 rows (w / 4) and
//   keys    a quarter (w % 4) of a step's positions; the four warps of a row group trade weights
//           through shared memory;
//   values  a quarter of the columns, whose sums stay in registers: those of the current chunk, and
//           those of all chunks before.
// 32 rows a warp, because fragments from shared memory are then used twice: with 16 rows, shared
// memory would be slower than the tensor cores. Keys and values alternate in a ring of three
// stages, each on its way while the two before it are used.
#include "kernels/cuda/attention_tiles.h"
#include "kernels/cuda/attention_weights.h"
#include "kernels/cuda/cache_fragments.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"

namespace gemma2::cuda {
namespace {

constexpr int kRows = 64;
constexpr int kQuarters = 4;
constexpr int kThreads = 32 * kRows / 32 * kQuarters;

template <int kHeadDim, CacheFormat kFormat>
struct Many {
  using Format = CacheFragments<kFormat>;
  using P = Piece<Format::kBytes, kPieceCols>;
  static constexpr int kPieces = kHeadDim / kPieceCols;
  // Positions of a step: stages are 16 KB at most, so that all fits the 99 KB of small cards.
  static constexpr int kStep = kHeadDim * Format::kBytes > 256 ? 32 : 64;
  static constexpr int kOwnKeys = kStep / kQuarters;
  static constexpr int kKeyTiles = kOwnKeys / 8;
  static constexpr int kColumns = kHeadDim / kQuarters;
  static constexpr int kPieceBytes = kStep * P::kRowBytes;
  static constexpr int kStageBytes = kPieces * kPieceBytes;
  static constexpr int kStages = 3;
  static constexpr int kQueryBytes = kRows * kHeadDim * 2;
  static constexpr int kWeightBytes = kRows * static_cast<int>(kRowBytes);
  static constexpr int kSharedBytes = kStages * kStageBytes + kQueryBytes +
                                      kWeightBytes * (Format::kScaled ? 2 : 1) +
                                      kRows * static_cast<int>(sizeof(float));

  using Sums = float[2][kColumns / 8][4];

  __device__ static std::byte* queries() { return shared_memory() + kStages * kStageBytes; }
  __device__ static std::byte* weights() { return queries() + kQueryBytes; }
  __device__ static std::byte* scaled_weights() {
    return weights() + (Format::kScaled ? kWeightBytes : 0);
  }
  __device__ static float* weight_sums() {
    return reinterpret_cast<float*>(scaled_weights() + kWeightBytes);
  }

  /// Keys of the steps that the tile sees, and their values, in turn.
  struct Stream {
    CachePlane keys;
    CachePlane values;
    PositionRange seen;
    int first_step;
    int steps;

    __device__ Stream(const Attention& work, const QueryRows& rows, const CachePlace& cache)
        : keys(cache.keys, cache.capacity, work.shape, rows.kv_head),
          values(cache.values, cache.capacity, work.shape, rows.kv_head),
          seen(rows.seen()),
          first_step(seen.first / kStep),
          steps(seen.last() / kStep - first_step + 1) {}

    __device__ int position(int step) const { return (first_step + step) * kStep; }

    __device__ void begin(int i) const {
      if (i < 2 * steps) {
        const CachePlane& plane = i % 2 == 0 ? keys : values;
#pragma unroll
        for (int piece = 0; piece < kPieces; ++piece) {
          copy_piece<kFormat, kHeadDim, kStep, kPieceCols, kThreads>(
              shared_memory() + i % kStages * kStageBytes + piece * kPieceBytes, plane,
              position(i / 2), piece * kPieceCols, seen, static_cast<int>(threadIdx.x));
        }
      }
      copy_group_end();
    }
    /// Waits for stage i; everybody is done with the one before i, whose place another takes.
    __device__ const std::byte* next(int i) const {
      copy_groups_wait<kStages - 2>();
      sync_block();
      begin(i + kStages - 1);
      return shared_memory() + i % kStages * kStageBytes;
    }
  };

  /// Which part of the work a warp has.
  struct Share {
    int row;      // its first, of 32
    int quarter;  // of keys and of columns
    int lane;
  };

  /// Products of this warp's rows and its share of the keys.
  __device__ static void multiply_keys(float (&score)[2][kKeyTiles][4], const std::byte* keys,
                                       const Share& share) {
    constexpr int kSteps = Format::kKeySteps;
#pragma unroll 4
    for (int first = 0; first < kHeadDim / 16; first += kSteps) {
      std::uint32_t raw[kKeyTiles][4];
#pragma unroll
      for (int n = 0; n < kKeyTiles; ++n) {
        Format::template load_keys<P>(raw[n], keys + first / 4 * kPieceBytes,
                                      share.quarter * kOwnKeys + 8 * n, first % 4 * 16);
      }
#pragma unroll
      for (int step = 0; step < kSteps; ++step) {
        std::uint32_t b[kKeyTiles][2];
#pragma unroll
        for (int n = 0; n < kKeyTiles; ++n) Format::keys(b[n], raw[n], step);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          std::uint32_t q[4];
          load_rows(q, queries(), kRows, share.row + 16 * half, first + step);
#pragma unroll
          for (int n = 0; n < kKeyTiles; ++n) multiply_add(score[half][n], q, b[n][0], b[n][1]);
        }
      }
    }
  }

  /// Weights of this warp's rows and its share of the step's positions, to shared memory.
  __device__ static void weigh_keys(const Stream& stream, int step, const Share& share,
                                    const PositionRange (&seen)[2][2], const SoftCap& cap) {
    const int column = share.quarter * kOwnKeys + share.lane % 4 * 2;
    const int position = stream.position(step) + column;
    PairScales scales[kKeyTiles];
#pragma unroll
    for (int n = 0; n < kKeyTiles; ++n) {
      scales[n] = load_scales<kFormat>(stream.keys, stream.values, position + 8 * n);
    }
    float score[2][kKeyTiles][4] = {};
    multiply_keys(score, stream.next(2 * step), share);
    const WeightPieces pieces = {weights(), scaled_weights(), kRows};
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int n = 0; n < kKeyTiles; ++n) {
        put_weights<kFormat>(pieces, score[half][n], cap, scales[n], seen[half],
                             share.row + 16 * half + share.lane / 4, column + 8 * n,
                             position + 8 * n);
      }
    }
  }

  /// Adds the values of 32 positions, from `first` of the step on, to the sums. The sums of weights
  /// are shared out, too: those of the first and the last 16 rows go to quarters 0 and 1.
  __device__ static void add_values(Sums& sum, WeightSum& weight_sum, const std::byte* values,
                                    int first, const Share& share) {
    std::uint32_t a[2][2][4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int step = 0; step < 2; ++step) {
        const int row = share.row + 16 * half;
        load_rows(a[half][step], weights(), kRows, row, first / 16 + step);
        if (share.quarter == half) weight_sum.add(a[half][step]);
        if constexpr (Format::kScaled) {
          load_rows(a[half][step], scaled_weights(), kRows, row, first / 16 + step);
        }
      }
    }
    const int column = share.quarter * kColumns;
    const std::byte* piece = values + column / kPieceCols * kPieceBytes;
#pragma unroll
    for (int n = 0; n < kColumns / 8; n += 2) {
      std::uint32_t b[2][2][2];
      Format::template values<P>(b, piece, first, column % kPieceCols + 8 * n);
#pragma unroll
      for (int step = 0; step < 2; ++step) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          multiply_add(sum[0][n + i], a[0][step], b[step][i][0], b[step][i][1]);
          multiply_add(sum[1][n + i], a[1][step], b[step][i][0], b[step][i][1]);
        }
      }
    }
  }

  /// total += sum, which starts again.
  __device__ static void end_chunk(Sums& total, Sums& sum) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int n = 0; n < kColumns / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          total[half][n][i] += sum[half][n][i];
          sum[half][n][i] = 0;
        }
      }
    }
  }

  /// Divides by the sums of weights, and stores.
  __device__ static void put(const Attention& work, const QueryRows& rows, const Sums& total,
                             const float (&weight_total)[2], const Share& share) {
    float* all = weight_sums();
    if (share.quarter < 2 && share.lane % 4 == 0) {
      float* own = all + share.row + 16 * share.quarter + share.lane / 4;
      own[0] = weight_total[0];
      own[8] = weight_total[1];
    }
    sync_block();
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int m = share.row + 8 * i + share.lane / 4;
      if (m >= rows.count()) continue;
      const float weight = all[m];
#pragma unroll
      for (int n = 0; n < kColumns / 8; n += 2) {
        const float* even = total[i / 2][n] + i % 2 * 2;
        const float* odd = total[i / 2][n + 1] + i % 2 * 2;
        const int column = share.quarter * kColumns + 8 * n;
        const float2 first = Format::sums(even, odd, 0);
        const float2 second = Format::sums(even, odd, 1);
        rows.put(work.out, m, column + Format::first_column(), first.x / weight, first.y / weight);
        rows.put(work.out, m, column + Format::second_column(), second.x / weight,
                 second.y / weight);
      }
    }
  }
};

/// Grid: key/value heads, tiles. The last tiles of a sequence see most: they begin first.
template <int kHeadDim, CacheFormat kFormat>
__global__ void __launch_bounds__(kThreads, 1) attention_many_kernel(Attention work, SoftCap cap) {
  using This = Many<kHeadDim, kFormat>;
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const int head = static_cast<int>(blockIdx.x);
  const QueryRows rows(work, static_cast<int>(gridDim.y - 1 - blockIdx.y), head);
  if (rows.tile.rows <= 0) return;

  const typename This::Stream stream(work, rows, work.caches[rows.tile.first_row]);
  stream.begin(0);
  stream.begin(1);
  put_queries<kFormat, kHeadDim, kRows, kThreads>(This::queries(), work, rows);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const typename This::Share share = {warp / kQuarters * 32, warp % kQuarters,
                                      static_cast<int>(threadIdx.x % 32)};
  const int m = share.row + share.lane / 4;
  const PositionRange seen[2][2] = {{rows.seen(m), rows.seen(m + 8)},
                                    {rows.seen(m + 16), rows.seen(m + 24)}};

  typename This::Sums sum = {};
  typename This::Sums total = {};
  WeightSum weight_sum;
  for (int step = 0; step < stream.steps; ++step) {
    This::weigh_keys(stream, step, share, seen, cap);
    const std::byte* values = stream.next(2 * step + 1);
#pragma unroll
    for (int first = 0; first < This::kStep; first += 32) {
      This::add_values(sum, weight_sum, values, first, share);
    }
    const bool is_last = step + 1 == stream.steps;
    const int next = stream.position(step + 1);
    if (is_last || next % kCacheTile == 0) weight_sum.end_tile();
    if (is_last || next % kAttentionChunk == 0) {
      This::end_chunk(total, sum);
      weight_sum.end_chunk();
    }
  }

  if (head == 0) zero_padding(work.out, rows.tile, work.shape.num_heads * kHeadDim, kThreads);
  This::put(work, rows, total, weight_sum.total, share);
}

template <int kHeadDim>
std::size_t shared_bytes(CacheFormat format) {
  return format == CacheFormat::int8 ? Many<kHeadDim, CacheFormat::int8>::kSharedBytes
                                     : Many<kHeadDim, CacheFormat::bf16>::kSharedBytes;
}

template <int kHeadDim>
void launch_head_dim(cudaStream_t stream, const Attention& work) {
  const bool scaled = work.shape.format == CacheFormat::int8;
  const dim3 grid(static_cast<unsigned>(work.shape.num_kv_heads),
                  static_cast<unsigned>(work.num_tiles));
  launch(stream,
         {"attention of many rows", grid, kThreads, shared_bytes<kHeadDim>(work.shape.format),
          work.starts_early},
         scaled ? attention_many_kernel<kHeadDim, CacheFormat::int8>
                : attention_many_kernel<kHeadDim, CacheFormat::bf16>,
         work, soft_cap_of(work.shape));
}

}  // namespace

bool fits_attention_many(const AttentionShape& shape, const BlockLimits& limits) {
  const std::size_t bytes = shape.head_dim == 64    ? shared_bytes<64>(shape.format)
                            : shape.head_dim == 128 ? shared_bytes<128>(shape.format)
                                                    : shared_bytes<256>(shape.format);
  return bytes <= limits.shared_bytes;
}

void launch_attention_many(cudaStream_t stream, const Attention& work) {
  switch (work.shape.head_dim) {
    case 64:
      return launch_head_dim<64>(stream, work);
    case 128:
      return launch_head_dim<128>(stream, work);
    case 256:
      return launch_head_dim<256>(stream, work);
    default:
      require_success(cudaErrorInvalidValue,
                      "attention of heads of another size than 64, 128, 256");
  }
}

}  // namespace gemma2::cuda
