// SPDX-License-Identifier: Apache-2.0
//
// Stored rows -> strips (tiles.h), on the card: a block of 128 threads takes 16 rows x 256 columns.
// And back: any strips -> bf16 strips, as products see them, for products of many rows.
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"
#include "kernels/cuda/weight_frames.h"

namespace gemma2::cuda {
namespace {

constexpr int kThreads = 128;
constexpr unsigned kStoredQ6Bytes = 210;
constexpr unsigned kStoredQ8Bytes = 34;
constexpr unsigned kStoredQ8Cols = 32;

/// What a stored row of 256 columns takes at most: float32.
constexpr unsigned kMaxStoredBytes = kBlockCols * 4;

__device__ std::uint32_t read_16(const std::byte* from) {
  return static_cast<std::uint32_t>(from[0]) | (static_cast<std::uint32_t>(from[1]) << 8);
}

/// The column, within a group of 16, of the `second` (0 or 1) of a lane's pair.
__device__ unsigned pair_column(unsigned pair, unsigned t, unsigned second) {
  return 2 * t + second + pair / 2 * 8;
}
__device__ unsigned pair_row(unsigned pair, unsigned g) {
  return g + pair % 2 * 8;
}

/// The stored bytes of the block's 16 rows, in shared memory: row i at i * kMaxStoredBytes.
__device__ void fetch_rows(std::byte* rows, const std::byte* stored, std::size_t row_bytes,
                           std::size_t first_byte, unsigned bytes, int num_rows) {
  for (int row = 0; row < kStripRows; ++row) {
    const std::byte* from = stored + static_cast<std::size_t>(row) * row_bytes + first_byte;
    for (unsigned i = threadIdx.x; i < bytes; i += kThreads) {
      const bool is_there = row < num_rows && first_byte + i < row_bytes;
      rows[static_cast<unsigned>(row) * kMaxStoredBytes + i] = is_there ? from[i] : std::byte{0};
    }
  }
  sync_block();
}

struct StoredQ6 {
  static constexpr unsigned kRowBytes = kStoredQ6Bytes;
  static constexpr unsigned kBlockBytes = kQ6BlockBytes;

  /// The six bits of a weight.
  __device__ static std::uint32_t value(const std::byte* row, unsigned col) {
    const unsigned half = col / 128;
    const unsigned e = col % 128;
    const auto low = static_cast<std::uint32_t>(row[half * 64 + e % 64]) >> (e / 64 * 4);
    const auto high = static_cast<std::uint32_t>(row[128 + half * 32 + e % 32]) >> (e / 32 * 2);
    return (low & 15U) | ((high & 3U) << 4);
  }

  __device__ static void pack(std::byte* to, const std::byte* rows, unsigned frame, unsigned lane) {
    const unsigned g = lane / 4;
    const unsigned t = lane % 4;
    std::byte* data = to + frame * kQ6FrameBytes;
    std::uint32_t words[6] = {};
    for (unsigned trio = 0; trio < 2; ++trio) {
      for (unsigned pair = 0; pair < 8; ++pair) {
        for (unsigned second = 0; second < 2; ++second) {
          const unsigned col =
              frame * kPieceCols + (2 * trio + pair / 4) * 16 + pair_column(pair % 4, t, second);
          const std::uint32_t v = value(rows + pair_row(pair % 4, g) * kMaxStoredBytes, col);
          std::uint32_t* w = words + 3 * trio;
          const unsigned half = 16 * second;
          if (pair < 6) {
            w[pair / 2] |= v << (half + pair % 2 * 6);
          } else {
            w[pair - 6] |= (v & 15U) << (half + 12);
            w[2] |= (v >> 4) << (half + 12 + (pair - 6) * 2);
          }
        }
      }
    }
    *reinterpret_cast<uint4*>(data + lane * 16) = {words[0], words[1], words[2], words[3]};
    *reinterpret_cast<uint2*>(data + 512 + lane * 8) = {words[4], words[5]};
    for (unsigned row = 0; row < 2; ++row) {
      const std::byte* stored = rows + (g + 8 * row) * kMaxStoredBytes;
      data[768 + g * 8 + t * 2 + row] = stored[192 + frame * 4 + t];
      if (frame == 0 && t == 0) {
        std::byte* d = to + kPiecesOfBlock * kQ6FrameBytes + g * 4 + row * 2;
        d[0] = stored[208];
        d[1] = stored[209];
      }
    }
  }
};

struct StoredQ8 {
  static constexpr unsigned kRowBytes = kBlockCols / kStoredQ8Cols * kStoredQ8Bytes;
  static constexpr unsigned kBlockBytes = kQ8BlockBytes;

  __device__ static void pack(std::byte* to, const std::byte* rows, unsigned frame, unsigned lane) {
    const unsigned g = lane / 4;
    const unsigned t = lane % 4;
    std::byte* data = to + frame * kQ8FrameBytes;
    for (unsigned group = 0; group < kGroupsOfFrame; ++group) {
      for (unsigned pair = 0; pair < 4; ++pair) {
        for (unsigned second = 0; second < 2; ++second) {
          const unsigned col = frame * kPieceCols + group * 16 + pair_column(pair, t, second);
          const std::byte* block =
              rows + pair_row(pair, g) * kMaxStoredBytes + col / kStoredQ8Cols * kStoredQ8Bytes;
          data[group / 2 * 512 + lane * 16 + group % 2 * 8 + pair / 2 * 4 + 2 * second + pair % 2] =
              block[2 + col % kStoredQ8Cols];
        }
      }
    }
    const unsigned half = t / 2;
    const unsigned row = t % 2;
    const std::byte* block =
        rows + (g + 8 * row) * kMaxStoredBytes + (frame * 2 + half) * kStoredQ8Bytes;
    data[1024 + g * 8 + half * 4 + row * 2] = block[0];
    data[1024 + g * 8 + half * 4 + row * 2 + 1] = block[1];
  }
};

/// Elements of two or four bytes, rounded to bf16.
template <DType kType>
struct StoredFloats {
  static constexpr unsigned kElement = kType == DType::f32 ? 4 : 2;
  static constexpr unsigned kRowBytes = kBlockCols * kElement;
  static constexpr unsigned kBlockBytes = kBf16BlockBytes;

  __device__ static std::uint32_t value(const std::byte* row, unsigned col) {
    const std::byte* from = row + col * kElement;
    if constexpr (kType == DType::bf16) return read_16(from);
    float x;
    if constexpr (kType == DType::f16) {
      x = from_half(read_16(from));
    } else {
      x = *reinterpret_cast<const float*>(from);
    }
    return pack_bf16(x, 0.0F) & 0xFFFFU;
  }

  __device__ static void pack(std::byte* to, const std::byte* rows, unsigned frame, unsigned lane) {
    std::byte* piece = to + frame * kPieceBytes;
    const unsigned row = lane / 2;
    for (unsigned col = lane % 2 * 32; col < lane % 2 * 32 + 32; col += 2) {
      const std::byte* from = rows + row * kMaxStoredBytes;
      *reinterpret_cast<std::uint32_t*>(piece + swizzled(row, col * 2)) =
          value(from, frame * kPieceCols + col) | (value(from, frame * kPieceCols + col + 1) << 16);
    }
  }
};

template <typename Stored>
__global__ void pack_kernel(std::byte* strips, const std::byte* stored, std::size_t row_bytes,
                            int num_rows, int blocks) {
  std::byte* rows = shared_memory();
  const auto strip = static_cast<int>(blockIdx.y);
  const auto block = static_cast<std::size_t>(blockIdx.x);
  const int first_row = strip * kStripRows;
  fetch_rows(rows, stored + static_cast<std::size_t>(first_row) * row_bytes, row_bytes,
             block * Stored::kRowBytes, Stored::kRowBytes, num_rows - first_row);
  std::byte* to =
      strips + (static_cast<std::size_t>(strip) * static_cast<std::size_t>(blocks) + block) *
                   Stored::kBlockBytes;
  Stored::pack(to, rows, threadIdx.x / 32, threadIdx.x % 32);
}

template <typename Stored>
void launch_pack_as(cudaStream_t stream, std::byte* strips, const StoredRows& from) {
  const int blocks = from.padded_cols / kBlockCols;
  const auto padded_rows = static_cast<unsigned>(padded_weight_rows(from.rows));
  launch(stream,
         {"pack", dim3(static_cast<unsigned>(blocks), padded_rows / kStripRows), kThreads,
          kStripRows * kMaxStoredBytes},
         &pack_kernel<Stored>, strips, from.data, from.row_bytes, from.rows, blocks);
}

template <typename Frames>
__global__ void unpack_kernel(std::byte* to, const std::byte* strips) {
  const std::size_t index = blockIdx.x;
  const std::byte* from = strips + index * Frames::kBlockBytes;
  FrameRegisters weights;
  load_block_frame<Frames>(weights, from);
  const unsigned frame = threadIdx.x / 32;
  const unsigned lane = threadIdx.x % 32;
  std::byte* piece = to + index * kBf16BlockBytes + frame * kPieceBytes;
  for (unsigned group = 0; group < kGroupsOfFrame; ++group) {
    for (unsigned pair = 0; pair < 4; ++pair) {
      const unsigned col = group * 16 + pair_column(pair, lane % 4, 0);
      *reinterpret_cast<std::uint32_t*>(piece + swizzled(pair_row(pair, lane / 4), col * 2)) =
          weights[group][pair];
    }
  }
}

}  // namespace

void launch_pack(cudaStream_t stream, std::byte* strips, const StoredRows& from) {
  switch (from.type) {
    case DType::q6_k:
      return launch_pack_as<StoredQ6>(stream, strips, from);
    case DType::q8_0:
      return launch_pack_as<StoredQ8>(stream, strips, from);
    case DType::bf16:
      return launch_pack_as<StoredFloats<DType::bf16>>(stream, strips, from);
    case DType::f16:
      return launch_pack_as<StoredFloats<DType::f16>>(stream, strips, from);
    case DType::f32:
      return launch_pack_as<StoredFloats<DType::f32>>(stream, strips, from);
  }
}

void launch_unpack(cudaStream_t stream, std::byte* bf16_strips, const StripWeight& from) {
  const auto blocks = static_cast<unsigned>(padded_weight_rows(from.rows) / kStripRows) *
                      static_cast<unsigned>(from.padded_cols / kBlockCols);
  if (from.type == DType::q6_k) {
    launch(stream, {"unpack", dim3(blocks), kThreads, block_shared_bytes<Q6Frames>()},
           &unpack_kernel<Q6Frames>, bf16_strips, from.data);
  } else {
    launch(stream, {"unpack", dim3(blocks), kThreads, block_shared_bytes<Q8Frames>()},
           &unpack_kernel<Q8Frames>, bf16_strips, from.data);
  }
}

}  // namespace gemma2::cuda
