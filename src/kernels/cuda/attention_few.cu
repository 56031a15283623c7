// SPDX-License-Identifier: Apache-2.0
//
// Attention for query tiles of at most 16 rows of heads: decoding, where all time goes into reading
// the cache. A block reads one chunk of 256 positions for one key/value head, and its four warps
// have nothing to say to each other but once:
//   keys    warp w takes positions [64 w, 64 w + 64) and leaves its weights in shared memory;
//   values  warp w takes a quarter of the columns, and the weights of all warps.
// Each warp streams its own share through a ring of stages, 32 positions of 64 columns (keys) or of
// its columns (values) each, so the copies never wait for other warps; the first values are on
// their way before the last weights are known.
//
// The last block of a tile and head to finish adds the sums of all its chunks in ascending order.
#include "kernels/cuda/attention_tiles.h"
#include "kernels/cuda/attention_weights.h"
#include "kernels/cuda/cache_fragments.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"

namespace gemma2::cuda {
namespace {

constexpr int kRows = 16;
constexpr int kWarps = 4;
constexpr int kThreads = 32 * kWarps;
constexpr int kBlock = 32;  // positions of a stage
constexpr int kBlocksOfChunk = kAttentionChunk / kBlock;

/// How many floats a chunk's sums are: [16][head_dim] of values, [16] of weights.
constexpr int sums_of_chunk(int head_dim) {
  return kRows * (head_dim + 1);
}

template <int kHeadDim, CacheFormat kFormat>
struct Few {
  using Format = CacheFragments<kFormat>;
  static constexpr int kPieces = kHeadDim / kPieceCols;
  static constexpr int kColumns = kHeadDim / kWarps;  // of values, a warp
  using KeyPiece = Piece<Format::kBytes, kPieceCols>;
  using ValuePiece = Piece<Format::kBytes, kColumns>;
  static constexpr int kStageBytes = kBlock * kPieceCols * Format::kBytes;
  // With all of it, heads of 256 have 64 KB, the most that Turing has.
  static constexpr int kStages = Format::kScaled ? 5 : 3;
  static constexpr int kRingBytes = kStages * kStageBytes;  // of a warp
  static constexpr int kWeightBytes = kRows * kAttentionChunk * 2;
  static constexpr int kQueryBytes = kRows * kHeadDim * 2;
  static constexpr int kSharedBytes =
      kWarps * kRingBytes + kQueryBytes + kWeightBytes * (Format::kScaled ? 2 : 1);

  /// What a warp reads, in order. Blocks are counted within the chunk.
  struct Stream {
    CachePlane keys;
    CachePlane values;
    PositionRange seen;
    std::byte* ring;
    int chunk_begin;  // position
    int key_block;    // the first of this warp's own
    int key_stages;
    int value_block;
    int stages;
    int warp;
    int lane;

    __device__ std::byte* stage(int i) const { return ring + i % kStages * kStageBytes; }

    /// Begins the copies of stage i, if there is one.
    __device__ void begin(int i) const {
      if (i < key_stages) {
        const int position = chunk_begin + (key_block + i / kPieces) * kBlock;
        copy_piece<kFormat, kHeadDim, kBlock, kPieceCols, 32>(stage(i), keys, position,
                                                              i % kPieces * kPieceCols, seen, lane);
      } else if (i < stages) {
        const int position = chunk_begin + (value_block + i - key_stages) * kBlock;
        copy_piece<kFormat, kHeadDim, kBlock, kColumns, 32>(stage(i), values, position,
                                                            warp * kColumns, seen, lane);
      }
      copy_group_end();
    }
    /// Waits for stage i, and begins a later one where the one before i was.
    __device__ const std::byte* next(int i) const {
      copy_groups_wait<kStages - 2>();
      sync_warp();
      begin(i + kStages - 1);
      return stage(i);
    }
  };

  __device__ static Stream stream_of(const Attention& work, const QueryRows& rows, int chunk) {
    const CachePlace cache = work.caches[rows.tile.first_row];
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const PositionRange seen = rows.seen();
    const int begin = chunk * kAttentionChunk;
    const int first = seen.first > begin ? (seen.first - begin) / kBlock : 0;
    const int newest = (seen.last() - begin) / kBlock;
    const int last = newest < kBlocksOfChunk ? newest : kBlocksOfChunk - 1;
    constexpr int kOwn = kBlocksOfChunk / kWarps;
    const int own_first = first > warp * kOwn ? first : warp * kOwn;
    const int own_last = last < warp * kOwn + kOwn - 1 ? last : warp * kOwn + kOwn - 1;
    const int key_stages = own_first <= own_last ? (own_last - own_first + 1) * kPieces : 0;
    return {CachePlane(cache.keys, cache.capacity, work.shape, rows.kv_head),
            CachePlane(cache.values, cache.capacity, work.shape, rows.kv_head),
            seen,
            shared_memory() + warp * kRingBytes,
            begin,
            own_first,
            key_stages,
            first,
            key_stages + last - first + 1,
            warp,
            static_cast<int>(threadIdx.x % 32)};
  }

  /// Pieces of 64 columns, or positions, of 16 rows.
  __device__ static std::byte* queries() { return shared_memory() + kWarps * kRingBytes; }
  __device__ static std::byte* weights(int scaled) {
    return queries() + kQueryBytes + scaled * kWeightBytes;
  }

  /// Products of the queries and one block of keys.
  __device__ static void multiply_keys(float (&score)[4][4], const Stream& stream,
                                       int first_stage) {
    constexpr int kSteps = Format::kKeySteps;
#pragma unroll 1
    for (int piece = 0; piece < kPieces; ++piece) {
      const std::byte* keys = stream.next(first_stage + piece);
#pragma unroll
      for (int first = 0; first < 4; first += kSteps) {
        std::uint32_t raw[4][4];
#pragma unroll
        for (int n = 0; n < 4; ++n) {
          Format::template load_keys<KeyPiece>(raw[n], keys, 8 * n, 16 * first);
        }
#pragma unroll
        for (int step = 0; step < kSteps; ++step) {
          std::uint32_t q[4];
          load_rows(q, queries(), kRows, 0, 4 * piece + first + step);
#pragma unroll
          for (int n = 0; n < 4; ++n) {
            std::uint32_t b[2];
            Format::keys(b, raw[n], step);
            multiply_add(score[n], q, b[0], b[1]);
          }
        }
      }
    }
  }

  /// Weights of one block of positions, to shared memory.
  __device__ static void weigh_block(const Stream& stream, int first_stage,
                                     const PositionRange (&seen)[2], const SoftCap& cap) {
    const int block = stream.key_block + first_stage / kPieces;
    const int column = block * kBlock + stream.lane % 4 * 2;  // of the chunk
    const int position = stream.chunk_begin + column;
    PairScales scales[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
      scales[n] = load_scales<kFormat>(stream.keys, stream.values, position + 8 * n);
    }
    float score[4][4] = {};
    multiply_keys(score, stream, first_stage);
    const WeightPieces pieces = {weights(0), weights(1), kRows};
#pragma unroll
    for (int n = 0; n < 4; ++n) {
      put_weights<kFormat>(pieces, score[n], cap, scales[n], seen, stream.lane / 4, column + 8 * n,
                           position + 8 * n);
    }
  }

  /// Adds one block's values to the sums, and its weights.
  __device__ static void add_values(float (&sum)[kColumns / 8][4], WeightSum& weight_sum,
                                    const std::byte* values, int block) {
    std::uint32_t a[2][4];
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      load_rows(a[step], weights(0), kRows, 0, 2 * block + step);
      weight_sum.add(a[step]);
      if constexpr (Format::kScaled) load_rows(a[step], weights(1), kRows, 0, 2 * block + step);
    }
#pragma unroll
    for (int n = 0; n < kColumns / 8; n += 2) {
      std::uint32_t b[2][2][2];
      Format::template values<ValuePiece>(b, values, 0, 8 * n);
#pragma unroll
      for (int step = 0; step < 2; ++step) {
        multiply_add(sum[n], a[step], b[step][0][0], b[step][0][1]);
        multiply_add(sum[n + 1], a[step], b[step][1][0], b[step][1][1]);
      }
    }
  }

  /// Calls put(m, d, two sums) for each pair of sums of this thread, d even.
  template <typename Put>
  __device__ static void for_each_pair(const float (&sum)[kColumns / 8][4], int rows, Put put) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    const int column = static_cast<int>(threadIdx.x) / 32 * kColumns;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int m = lane / 4 + 8 * half;
      if (m >= rows) continue;
#pragma unroll
      for (int n = 0; n < kColumns / 8; n += 2) {
        const float* even = sum[n] + 2 * half;
        const float* odd = sum[n + 1] + 2 * half;
        put(m, column + 8 * n + Format::first_column(), Format::sums(even, odd, 0));
        put(m, column + 8 * n + Format::second_column(), Format::sums(even, odd, 1));
      }
    }
  }
};

/// Whether this block is the last of `blocks` to get here; what the others wrote is then seen.
__device__ bool is_last_block(unsigned* counter, unsigned blocks) {
  auto* last = reinterpret_cast<unsigned*>(shared_memory());
  fence_device();
  sync_block();
  if (threadIdx.x == 0) {
    *last = count_up(counter, 1) + 1 == blocks ? 1U : 0U;
    if (*last != 0) *counter = 0;
  }
  sync_block();
  const bool result = *last != 0;
  fence_device();
  sync_block();
  return result;
}

/// Adds the sums of `chunks` chunks, in ascending order, and stores what comes out.
template <int kHeadDim>
__device__ void add_chunks(const Attention& work, const QueryRows& rows, const float* sums,
                           int chunks) {
  constexpr int kStride = sums_of_chunk(kHeadDim);
  auto* weight_sums = reinterpret_cast<float*>(shared_memory());
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < rows.count()) {
    float sum = 0;
#pragma unroll 8
    for (int c = 0; c < chunks; ++c) sum += sums[c * kStride + kRows * kHeadDim + thread];
    weight_sums[thread] = sum;
  }
  sync_block();
  for (int i = thread; i < rows.count() * kHeadDim / 2; i += kThreads) {
    const int m = i / (kHeadDim / 2);
    float2 sum = {0, 0};
#pragma unroll 8
    for (int c = 0; c < chunks; ++c) {
      const float2 part = *reinterpret_cast<const float2*>(sums + c * kStride + 2 * i);
      sum.x += part.x;
      sum.y += part.y;
    }
    rows.put(work.out, m, 2 * i % kHeadDim, sum.x / weight_sums[m], sum.y / weight_sums[m]);
  }
}

/// Grid: chunks, key/value heads, tiles.
template <int kHeadDim, CacheFormat kFormat>
__global__ void __launch_bounds__(kThreads, 3)
    attention_few_kernel(Attention work, SoftCap cap, AttentionScratch scratch) {
  using This = Few<kHeadDim, kFormat>;
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const int head = static_cast<int>(blockIdx.y);
  const QueryRows rows(work, static_cast<int>(blockIdx.z), head);
  const PositionRange seen = rows.seen();
  const int first_chunk = seen.first / kAttentionChunk;
  const int chunks = seen.last() / kAttentionChunk - first_chunk + 1;
  const int index = static_cast<int>(blockIdx.x);
  if (rows.tile.rows <= 0 || index >= chunks) return;

  const typename This::Stream stream = This::stream_of(work, rows, first_chunk + index);
  for (int i = 0; i < This::kStages - 1; ++i) stream.begin(i);
  put_queries<kFormat, kHeadDim, kRows, kThreads>(This::queries(), work, rows);
  sync_block();
  const int m = stream.lane / 4;
  const PositionRange seen_by_row[2] = {rows.seen(m), rows.seen(m + 8)};
  for (int i = 0; i < stream.key_stages; i += This::kPieces) {
    This::weigh_block(stream, i, seen_by_row, cap);
  }
  sync_block();

  float sum[This::kColumns / 8][4] = {};
  WeightSum weight_sum;
  for (int i = stream.key_stages; i < stream.stages; ++i) {
    const std::byte* values = stream.next(i);
    const int block = stream.value_block + i - stream.key_stages;
    This::add_values(sum, weight_sum, values, block);
    if (block % 2 == 1 || i + 1 == stream.stages) weight_sum.end_tile();
  }

  if (head == 0 && index == 0) {
    zero_padding(work.out, rows.tile, work.shape.num_heads * kHeadDim, kThreads);
  }
  if (chunks == 1) {
    // As where there are more of them, a sum begins at +0, which turns a -0 into one.
    This::for_each_pair(sum, rows.count(), [&](int row, int d, float2 two) {
      const float all = 0.0F + weight_sum.chunk[row / 8];
      rows.put(work.out, row, d, (0.0F + two.x) / all, (0.0F + two.y) / all);
    });
    return;
  }
  const unsigned place = blockIdx.z * gridDim.y + blockIdx.y;
  float* all = scratch.sums + static_cast<std::size_t>(place) * gridDim.x * sums_of_chunk(kHeadDim);
  float* own = all + index * sums_of_chunk(kHeadDim);
  This::for_each_pair(sum, rows.count(), [&](int row, int d, float2 two) {
    *reinterpret_cast<float2*>(own + row * kHeadDim + d) = two;
  });
  if (stream.warp == 0 && stream.lane % 4 == 0) {
    own[kRows * kHeadDim + m] = weight_sum.chunk[0];
    own[kRows * kHeadDim + m + 8] = weight_sum.chunk[1];
  }
  if (is_last_block(scratch.counters + place, static_cast<unsigned>(chunks))) {
    add_chunks<kHeadDim>(work, rows, all, chunks);
  }
}

template <int kHeadDim>
void launch_head_dim(cudaStream_t stream, const Attention& work, int max_chunks,
                     const AttentionScratch& scratch) {
  const bool scaled = work.shape.format == CacheFormat::int8;
  const dim3 grid(static_cast<unsigned>(max_chunks), static_cast<unsigned>(work.shape.num_kv_heads),
                  static_cast<unsigned>(work.num_tiles));
  const std::size_t shared = scaled ? Few<kHeadDim, CacheFormat::int8>::kSharedBytes
                                    : Few<kHeadDim, CacheFormat::bf16>::kSharedBytes;
  launch(stream, {"attention of few rows", grid, kThreads, shared, work.starts_early},
         scaled ? attention_few_kernel<kHeadDim, CacheFormat::int8>
                : attention_few_kernel<kHeadDim, CacheFormat::bf16>,
         work, soft_cap_of(work.shape), scratch);
}

}  // namespace

std::size_t attention_scratch_floats(const AttentionShape& shape, int num_tiles, int max_chunks) {
  return static_cast<std::size_t>(num_tiles) * static_cast<std::size_t>(shape.num_kv_heads) *
         static_cast<std::size_t>(max_chunks) *
         static_cast<std::size_t>(sums_of_chunk(shape.head_dim));
}

void launch_attention_few(cudaStream_t stream, const Attention& work, int max_chunks,
                          const AttentionScratch& scratch) {
  switch (work.shape.head_dim) {
    case 64:
      return launch_head_dim<64>(stream, work, max_chunks, scratch);
    case 128:
      return launch_head_dim<128>(stream, work, max_chunks, scratch);
    case 256:
      return launch_head_dim<256>(stream, work, max_chunks, scratch);
    default:
      require_success(cudaErrorInvalidValue,
                      "attention of heads of another size than 64, 128, 256");
  }
}

}  // namespace gemma2::cuda
