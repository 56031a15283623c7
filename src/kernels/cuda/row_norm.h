// SPDX-License-Identifier: Apache-2.0
//
// RMS norm of one row by one block of 256 threads: the one text behind launch_add_norm and the
// products that norm their rows themselves, so that both give the same bits.
//
// Order: thread i sums the squares of elements i, i + 256, ... by one FMA chain; a warp's lanes are
// added across distances 16, 8, 4, 2 and 1, then the warps in ascending order.
#pragma once

#include <cstdint>

#include "kernels/cuda/ptx.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {

inline constexpr int kNormThreads = 256;
inline constexpr int kNormScratch = kNormThreads / 32;  // floats of shared memory

__device__ __forceinline__ float normed(float value, float inverse, float scale) {
  return (value * inverse) * scale;
}

/// Calls take(i, make(i)) for this thread's i < count. Four are made before the first is taken, so
/// that their loads are under way together.
template <typename Make, typename Take>
__device__ __forceinline__ void in_fours(int count, Make make, Take take) {
  for (int first = static_cast<int>(threadIdx.x); first < count; first += 4 * kNormThreads) {
    decltype(make(first)) made[4] = {};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int i = first + j * kNormThreads;
      if (i < count) made[j] = make(i);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int i = first + j * kNormThreads;
      if (i < count) take(i, made[j]);
    }
  }
}

/// 1 / sqrt(mean of squares + eps). All threads of the block, each of which has written, or may
/// read, its own elements of the row; afterwards everybody sees all of it.
__device__ __forceinline__ float inverse_rms(const float* row, int cols, float eps,
                                             float* scratch) {
  float sum = 0;
  in_fours(
      cols, [row](int i) { return row[i]; },
      [&sum](int, float value) { sum = fmaf(value, value, sum); });
  for (int mask = 16; mask >= 1; mask /= 2) sum += from_lane_xor(sum, mask);
  sync_block();  // whoever still reads the scratch of the row before
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = sum;
  sync_block();
  float total = scratch[0];
  for (int warp = 1; warp < kNormScratch; ++warp) total += scratch[warp];
  return 1.0F / sqrtf(total / static_cast<float>(cols) + eps);
}

/// One row of AddNorm: sum = residual + rms_norm(x) * add_scale, and its norm.
struct AddNormRow {
  const float* residual = nullptr;
  const float* x = nullptr;  // null: nothing is added, and sum is not written
  const float* add_scale = nullptr;
  const float* norm_scale = nullptr;  // null: nothing is normed, and put is not called
  float* sum = nullptr;               // [cols], shared memory
  float* stored =
      nullptr;  // a copy of sum, or null; the residual itself if no other block reads it
  int cols = 0;
  float eps = 0;
};

/// Calls put(column, two bf16) for each even column of the normed row, `padded_cols` in all, zeros
/// beyond its end. All threads of the block; `sum` and `scratch` [kNormScratch] may be used again
/// for another row at once, but what `put` wrote is there only behind the next sync_block().
template <typename Put>
__device__ __forceinline__ void add_norm_row(const AddNormRow& row, int padded_cols, float* scratch,
                                             Put put) {
  const float* source = row.residual;
  if (row.x != nullptr) {
    const float inverse = inverse_rms(row.x, row.cols, row.eps, scratch);
    const auto add = [&row, inverse](int i) {
      return row.residual[i] + normed(row.x[i], inverse, row.add_scale[i]);
    };
    in_fours(row.cols, add, [&row](int i, float value) {
      row.sum[i] = value;
      if (row.stored != nullptr) row.stored[i] = value;
    });
    source = row.sum;
  }
  if (row.norm_scale == nullptr) return;
  const float inverse = inverse_rms(source, row.cols, row.eps, scratch);
  const auto element = [&row, source, inverse](int i) {
    return i < row.cols ? normed(source[i], inverse, row.norm_scale[i]) : 0.0F;
  };
  in_fours(
      padded_cols / 2,
      [&element](int pair) { return pack_bf16(element(2 * pair), element(2 * pair + 1)); },
      [&put](int pair, std::uint32_t two) { put(2 * pair, two); });
}

}  // namespace gemma2::cuda
