// SPDX-License-Identifier: Apache-2.0
//
// Rotates queries and keys, and puts keys and values into the cache. A warp a head, so that the
// largest element of an int8 head is found without the others.
#include <bit>
#include <cstdint>

#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/rope.h"

namespace gemma2::cuda {
namespace {

constexpr int kHeadsOfBlock = 4;  // a warp each
constexpr int kLargestHead = 256;

/// A head's elements 2j, 2j + 1, and those half a head behind them; j = lane + 32 * pair.
struct HeadPairs {
  static constexpr int kPairs = kLargestHead / 4 / 32;
  float2 low[kPairs];
  float2 high[kPairs];
};

__device__ int lane_of_warp() {
  return static_cast<int>(threadIdx.x % 32);
}

/// Calls body(pair, j) for each pair of this lane that there is.
template <typename Body>
__device__ void for_each_pair(int head_dim, Body body) {
#pragma unroll
  for (int pair = 0; pair < HeadPairs::kPairs; ++pair) {
    const int j = lane_of_warp() + 32 * pair;
    if (j < head_dim / 4) body(pair, j);
  }
}

__device__ HeadPairs load_head(const float* head, int head_dim) {
  HeadPairs x = {};
  for_each_pair(head_dim, [&x, head, head_dim](int pair, int j) {
    x.low[pair] = reinterpret_cast<const float2*>(head)[j];
    x.high[pair] = reinterpret_cast<const float2*>(head + head_dim / 2)[j];
  });
  return x;
}

__device__ void store_head(float* head, const HeadPairs& x, int head_dim) {
  for_each_pair(head_dim, [&x, head, head_dim](int pair, int j) {
    reinterpret_cast<float2*>(head)[j] = x.low[pair];
    reinterpret_cast<float2*>(head + head_dim / 2)[j] = x.high[pair];
  });
}

/// angles: [head_dim]: cosines, then sines.
__device__ void rotate_head(HeadPairs& x, const float* angles, int head_dim) {
  for_each_pair(head_dim, [&x, angles, head_dim](int pair, int j) {
    const float2 cosine = reinterpret_cast<const float2*>(angles)[j];
    const float2 sine = reinterpret_cast<const float2*>(angles + head_dim / 2)[j];
    rotate(x.low[pair].x, x.high[pair].x, cosine.x, sine.x);
    rotate(x.low[pair].y, x.high[pair].y, cosine.y, sine.y);
  });
}

__device__ void append_bf16(std::byte* tile, const HeadPairs& x, int head_dim, int row) {
  for_each_pair(head_dim, [&x, tile, head_dim, row](int pair, int j) {
    const auto store = [tile, row](int d, float2 two) {
      *reinterpret_cast<std::uint32_t*>(tile + cache_bf16_offset(row, d)) = pack_bf16(two.x, two.y);
    };
    store(2 * j, x.low[pair]);
    store(2 * j + head_dim / 2, x.high[pair]);
  });
}

/// The largest magnitude of the head. As integers, absolute values compare like numbers, and NaN
/// is above infinity.
__device__ float largest_of_head(const HeadPairs& x) {
  std::uint32_t largest = 0;
  const auto see = [&largest](float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU;
    largest = bits > largest ? bits : largest;
  };
#pragma unroll
  for (int pair = 0; pair < HeadPairs::kPairs; ++pair) {
    see(x.low[pair].x);
    see(x.low[pair].y);
    see(x.high[pair].x);
    see(x.high[pair].y);
  }
  for (int mask = 16; mask >= 1; mask /= 2) {
    const std::uint32_t other = from_lane_xor(largest, mask);
    largest = other > largest ? other : largest;
  }
  return std::bit_cast<float>(largest);
}

/// As quantize_head in cpu/cpu_cache.h, bit for bit.
__device__ void append_int8(std::byte* tile, const HeadPairs& x, int head_dim, int row) {
  constexpr float kSmallest = 1e-30F;
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: the sum has no fraction bits
  constexpr float kLargestFloat = 3.402823466e+38F;
  const float amax = largest_of_head(x);
  const bool normal = amax >= kSmallest && amax <= kLargestFloat;
  const float inverse = normal ? 127.0F / amax : 0.0F;
  const auto round = [inverse, normal](float value) {
    const float rounded = (value * inverse + kMagic) - kMagic;
    return normal ? static_cast<int>(rounded) & 0xFF : 0;
  };
  for_each_pair(head_dim, [&x, tile, head_dim, row, round](int pair, int j) {
    const auto store = [tile, head_dim, row, round](int d, float2 two) {
      *reinterpret_cast<std::uint16_t*>(tile + cache_int8_offset(head_dim, row, d)) =
          static_cast<std::uint16_t>(round(two.x) | (round(two.y) << 8));
    };
    store(2 * j, x.low[pair]);
    store(2 * j + head_dim / 2, x.high[pair]);
  });
  if (lane_of_warp() != 0) return;
  constexpr std::uint32_t kNan = 0x7FC00000U;
  const float tiny_or_not = amax < kSmallest ? 0.0F : std::bit_cast<float>(kNan);
  *reinterpret_cast<float*>(tile + cache_scale_offset(head_dim, row)) =
      normal ? amax / 127.0F : tiny_or_not;
}

/// Grid: heads (queries', keys', values') by fours, rows. A warp a head.
__global__ void __launch_bounds__(32 * kHeadsOfBlock) rope_append_kernel(RopeAppend work) {
  let_next_kernel_start();
  wait_for_earlier_kernels();
  const AttentionShape& shape = work.shape;
  const int row = static_cast<int>(blockIdx.y);
  const int head =
      static_cast<int>(blockIdx.x) * kHeadsOfBlock + static_cast<int>(threadIdx.x) / 32;
  const int first_value = shape.num_heads + shape.num_kv_heads;
  if (head >= first_value + shape.num_kv_heads) return;

  float* from = work.qkv.row(row) + head * shape.head_dim;
  HeadPairs x = load_head(from, shape.head_dim);
  if (head < first_value) {
    const auto position = static_cast<std::size_t>(work.positions[row]);
    rotate_head(x, work.angles + position * static_cast<std::size_t>(shape.head_dim),
                shape.head_dim);
  }
  if (head < shape.num_heads) return store_head(from, x, shape.head_dim);

  const CachePlace cache = work.caches[row];
  const int slot = work.positions[row] % cache.capacity;
  const int kv_head = head < first_value ? head - shape.num_heads : head - first_value;
  std::byte* tile = (head < first_value ? cache.keys : cache.values) +
                    cache_tile_offset(cache.format, shape.head_dim, cache.capacity, kv_head, slot);
  if (cache.format == CacheFormat::int8) {
    append_int8(tile, x, shape.head_dim, slot % kCacheTile);
  } else {
    append_bf16(tile, x, shape.head_dim, slot % kCacheTile);
  }
}

}  // namespace

void launch_rope_append(cudaStream_t stream, const RopeAppend& work) {
  const AttentionShape& shape = work.shape;
  const int heads = shape.num_heads + 2 * shape.num_kv_heads;
  const dim3 grid(static_cast<unsigned>((heads + kHeadsOfBlock - 1) / kHeadsOfBlock),
                  static_cast<unsigned>(work.rows));
  launch(stream, {"rotate and append", grid, 32 * kHeadsOfBlock, 0, work.starts_early},
         rope_append_kernel, work);
}

}  // namespace gemma2::cuda
