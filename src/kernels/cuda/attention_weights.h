// SPDX-License-Identifier: Apache-2.0
//
// From products of queries and keys to the weights of values, which travel from warp to warp as
// bf16 through shared memory: pieces of 64 positions, as cache_fragments.h reads queries.
#pragma once

#include "kernels/cuda/attention_tiles.h"
#include "kernels/cuda/cache_fragments.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/soft_cap.h"

namespace gemma2::cuda {

/// Scales of a position and the next. To be loaded well before they are needed.
struct PairScales {
  float2 key = {1, 1};
  float2 value = {1, 1};
};

template <CacheFormat kFormat>
__device__ inline PairScales load_scales(const CachePlane& keys, const CachePlane& values,
                                         int position) {
  if constexpr (!CacheFragments<kFormat>::kScaled) return {};
  return {keys.two_scales(position), values.two_scales(position)};
}

/// Where weights go: those that are summed up, and, of a scaled cache, those that multiply values.
struct WeightPieces {
  std::byte* plain = nullptr;
  std::byte* scaled = nullptr;
  int rows = 0;  // of a piece
};

/// The weights of one fragment of products: of rows `row` and `row` + 8, which see `seen`, and of
/// `position` and the next, which are `column` and the next of the pieces. A position that a row
/// does not see has weight zero, whatever its key and its scales may be.
template <CacheFormat kFormat>
__device__ inline void put_weights(const WeightPieces& to, float (&score)[4], const SoftCap& cap,
                                   const PairScales& scales, const PositionRange (&seen)[2],
                                   int row, int column, int position) {
  constexpr bool kScaled = CacheFragments<kFormat>::kScaled;
  if constexpr (kScaled) {
#pragma unroll
    for (int i = 0; i < 4; ++i) score[i] *= i % 2 == 0 ? scales.key.x : scales.key.y;
  }
  weigh(score, cap);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const bool low_seen = seen[half].has(position);
    const bool high_seen = seen[half].has(position + 1);
    const float low = score[2 * half];
    const float high = score[2 * half + 1];
    const unsigned place =
        static_cast<unsigned>(column / 64 * to.rows) * kRowBytes +
        swizzled(static_cast<unsigned>(row + 8 * half), static_cast<unsigned>(column % 64) * 2);
    *reinterpret_cast<std::uint32_t*>(to.plain + place) =
        pack_bf16(low_seen ? low : 0.0F, high_seen ? high : 0.0F);
    if constexpr (kScaled) {
      *reinterpret_cast<std::uint32_t*>(to.scaled + place) = pack_bf16(
          low_seen ? low * scales.value.x : 0.0F, high_seen ? high * scales.value.y : 0.0F);
    }
  }
}

/// The sum of the weights of two rows that this lane shares. It goes through the tensor cores, like
/// that of the values, in a chain for each 64 positions, whose sums are added by themselves: who
/// has weighed them can then count them, too.
struct WeightSum {
  float tile[4] = {};
  float chunk[2] = {};
  float total[2] = {};

  /// Adds a fragment of weights.
  __device__ void add(const std::uint32_t (&a)[4]) {
    constexpr std::uint32_t kTwoOnes = 0x3F803F80U;
    multiply_add(tile, a, kTwoOnes, kTwoOnes);
  }
  __device__ void end_tile() {
    for (int i = 0; i < 2; ++i) chunk[i] += tile[2 * i];
    for (float& x : tile) x = 0;
  }
  __device__ void end_chunk() {
    for (int i = 0; i < 2; ++i) {
      total[i] += chunk[i];
      chunk[i] = 0;
    }
  }
};

}  // namespace gemma2::cuda
