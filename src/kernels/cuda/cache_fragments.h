// SPDX-License-Identifier: Apache-2.0
//
// Keys and values on their way from the cache to tensor cores, for each cache format.
//
// In shared memory a piece is some positions of some columns of a head, a row of 16-byte units a
// position, unit u of row r in a place that lets eight rows be read without bank conflicts. For
// bf16 and 64 columns that is the order of the cache itself.
//
// int8 elements are read two at a time where bf16 is read one at a time, so a fragment has them in
// another order; values are widened to bf16, exactly, in registers:
//   keys    lane t of a fragment of 16 columns has 4t .. 4t + 3, not 2t, 2t + 1, 2t + 8, 2t + 9. So
//           have queries (put_queries): the sum is the same, its order within 16 another.
//   values  of 16 columns the two fragments have the even and the odd ones (first_column).
#pragma once

#include <cstdint>

#include "kernels/cuda/attention_tiles.h"
#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {

template <int kBytes, int kColumns>
struct Piece {
  static constexpr int kUnits = kColumns * kBytes / 16;  // 1, 2, 4 or 8
  static constexpr int kRowBytes = kUnits * 16;

  __device__ static unsigned place(int row, int unit) {
    return static_cast<unsigned>(row * kRowBytes + ((unit ^ (row / (8 / kUnits) % kUnits)) * 16));
  }
};

template <CacheFormat kFormat>
struct CacheFragments;

template <>
struct CacheFragments<CacheFormat::bf16> {
  static constexpr int kBytes = 2;
  static constexpr bool kScaled = false;
  static constexpr int kKeySteps = 2;  // fragments of 16 columns in what load_keys brings

  __device__ static unsigned offset(int /*head_dim*/, int row, int d) {
    return cache_bf16_offset(row, d);
  }

  /// Fragments of rows [row, row + 8) and 16 * kKeySteps columns from `column` on. Of a warp.
  template <class P>
  __device__ static void load_keys(std::uint32_t (&raw)[4], const std::byte* piece, int row,
                                   int column) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    load_matrices(raw, piece + P::place(row + lane % 8, column / 8 + lane / 8));
  }
  __device__ static void keys(std::uint32_t (&b)[2], const std::uint32_t (&raw)[4], int step) {
    b[0] = raw[2 * step];
    b[1] = raw[2 * step + 1];
  }

  /// Fragments b[step][i] of rows [row, row + 32), 16 a step, and of 16 columns. Of a warp.
  template <class P>
  __device__ static void values(std::uint32_t (&b)[2][2][2], const std::byte* piece, int row,
                                int column) {
    const int lane = static_cast<int>(threadIdx.x % 32);
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      std::uint32_t raw[4];
      load_matrices_transposed(
          raw, piece + P::place(row + 16 * step + lane % 16, column / 8 + lane / 16));
      b[step][0][0] = raw[0];
      b[step][0][1] = raw[1];
      b[step][1][0] = raw[2];
      b[step][1][1] = raw[3];
    }
  }
  /// Which columns, of 16, a lane's first pair of sums is for, and its second pair.
  __device__ static int first_column() {
    return static_cast<int>(threadIdx.x % 4) * 2;
  }
  __device__ static int second_column() {
    return first_column() + 8;
  }
  /// The pair of sums `pair`: of the two fragments' sums of the same row.
  __device__ static float2 sums(const float* even, const float* odd, int pair) {
    const float* from = pair == 0 ? even : odd;
    return {from[0], from[1]};
  }
};

template <>
struct CacheFragments<CacheFormat::int8> {
  static constexpr int kBytes = 1;
  static constexpr bool kScaled = true;
  static constexpr int kKeySteps = 4;

  __device__ static unsigned offset(int head_dim, int row, int d) {
    return cache_int8_offset(head_dim, row, d);
  }

  /// Bytes 0 and 2 of x, signed, to bf16: 128 + their low seven bits, less 128 or 256.
  __device__ static std::uint32_t widen(std::uint32_t x) {
    constexpr std::uint32_t kOnes = 0x3F803F80U;
    const std::uint32_t low = (x & 0x007F007FU) | 0x43004300U;
    const std::uint32_t less = (x & 0x00800080U) | 0xC300C300U;
    return fma_bf16(low, kOnes, less);
  }

  template <class P>
  __device__ static void load_keys(std::uint32_t (&raw)[4], const std::byte* piece, int row,
                                   int column) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    load_matrices(raw, piece + P::place(row + lane % 8, column / 16 + lane / 8));
  }
  __device__ static void keys(std::uint32_t (&b)[2], const std::uint32_t (&raw)[4], int step) {
    b[0] = widen(pick_bytes(raw[step], 0, 0x4140));
    b[1] = widen(pick_bytes(raw[step], 0, 0x4342));
  }

  template <class P>
  __device__ static void values(std::uint32_t (&b)[2][2][2], const std::byte* piece, int row,
                                int column) {
    const int lane = static_cast<int>(threadIdx.x % 32);
    std::uint32_t raw[4];  // elements (2t, 2g), (2t, 2g + 1), (2t + 1, 2g), (2t + 1, 2g + 1)
    load_matrices_transposed(raw, piece + P::place(row + lane, column / 16));
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      b[i / 2][0][i % 2] = widen(pick_bytes(raw[i], 0, 0x4240));
      b[i / 2][1][i % 2] = widen(pick_bytes(raw[i], 0, 0x4341));
    }
  }
  __device__ static int first_column() {
    return static_cast<int>(threadIdx.x % 4) * 4;
  }
  __device__ static int second_column() {
    return first_column() + 2;
  }
  __device__ static float2 sums(const float* even, const float* odd, int pair) {
    return {even[pair], odd[pair]};
  }
};

/// The fragment of rows [row, row + 16) and of the 16 columns `step`, from pieces of 64 columns of
/// `rows` swizzled rows each. Of a warp.
__device__ inline void load_rows(std::uint32_t (&a)[4], const std::byte* pieces, int rows, int row,
                                 int step) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const auto place = swizzled(static_cast<unsigned>(row + lane % 16),
                              static_cast<unsigned>(step % 4 * 2 + lane / 16) * 16);
  load_matrices(a, pieces + step / 4 * rows * static_cast<int>(kRowBytes) + place);
}

/// Rounds the queries of a block to bf16, in pieces as load_rows reads them; rows that are not
/// there become zeros. By kThreads threads: the block.
template <CacheFormat kFormat, int kHeadDim, int kRows, int kThreads>
__device__ inline void put_queries(std::byte* pieces, const Attention& work,
                                   const QueryRows& rows) {
  constexpr int kGroups = kHeadDim / 16;
  static_assert(kRows * kGroups % kThreads == 0 || kRows * kGroups < kThreads);
#pragma unroll 2
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kGroups; i += kThreads) {
    const int m = i / kGroups;
    const int column = i % kGroups * 16;
    std::uint32_t pair[8] = {};
    if (m < rows.count()) {
      const auto* query = reinterpret_cast<const float4*>(rows.query(work.qkv, m) + column);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float4 four = query[j];
        pair[2 * j] = pack_bf16(four.x, four.y);
        pair[2 * j + 1] = pack_bf16(four.z, four.w);
      }
    }
    std::byte* piece = pieces + column / kPieceCols * kRows * static_cast<int>(kRowBytes);
    const auto at = [piece, m, column](int unit) {
      return reinterpret_cast<uint4*>(
          piece +
          swizzled(static_cast<unsigned>(m), static_cast<unsigned>(column % kPieceCols) * 2 +
                                                 static_cast<unsigned>(unit) * 16));
    };
    if constexpr (kFormat == CacheFormat::int8) {
      *at(0) = uint4{pair[0], pair[2], pair[4], pair[6]};
      *at(1) = uint4{pair[1], pair[3], pair[5], pair[7]};
    } else {
      *at(0) = uint4{pair[0], pair[1], pair[2], pair[3]};
      *at(1) = uint4{pair[4], pair[5], pair[6], pair[7]};
    }
  }
}

/// Begins the copy of `kRows` positions, from `position` on, of columns [column, column + kColumns)
/// to a piece. What is not in `seen` is not read: it becomes zero, so that a weight of zero is not
/// multiplied with what nobody has written. By kThreads threads, of which this is `thread`.
template <CacheFormat kFormat, int kHeadDim, int kRows, int kColumns, int kThreads>
__device__ inline void copy_piece(std::byte* to, const CachePlane& plane, int position, int column,
                                  PositionRange seen, int thread) {
  using Format = CacheFragments<kFormat>;
  using P = Piece<Format::kBytes, kColumns>;
  constexpr int kCopies = kRows * P::kUnits;
  static_assert(kCopies % kThreads == 0);
  const std::byte* tile = plane.tile(position);
#pragma unroll
  for (int i = 0; i < kCopies / kThreads; ++i) {
    const int row = (i * kThreads + thread) / P::kUnits;
    const int unit = (i * kThreads + thread) % P::kUnits;
    std::byte* place = to + P::place(row, unit);
    if (seen.has(position + row)) {
      copy_16_begin(place, tile + Format::offset(kHeadDim, position % kCacheTile + row,
                                                 column + unit * (16 / Format::kBytes)));
    } else {
      *reinterpret_cast<uint4*>(place) = uint4{0, 0, 0, 0};
    }
  }
}

}  // namespace gemma2::cuda
