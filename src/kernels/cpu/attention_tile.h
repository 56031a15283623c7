// SPDX-License-Identifier: Apache-2.0
//
// Attention over one tile of 64 positions with float32 FMA chains. Templates on a Lanes type.
//
// Scores: lane = position, four vectors cover the tile, one chain over d for each position; rows
// are taken two at a time so that eight chains hide the FMA's latency and share each key load.
// Mix: lane = dimension, one chain over positions for each dimension. Since the soft cap bounds
// every score there is no running maximum, and partial sums of tiles simply continue.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/vector_math.h"
#include "quant/bf16.h"

namespace gemma2::cpu {

/// Keys and values stored as float.
template <class L>
struct F32Cache {
  static constexpr int kStep = 1;  // consecutive d of a key, or positions of a value, in one load
  static constexpr std::size_t kBytes = 4;
  static void load(L (&x)[1], const std::byte* from) noexcept {
    x[0] = L::load(reinterpret_cast<const float*>(from));
  }
  static float element(const std::byte* from, std::size_t index) noexcept {
    return reinterpret_cast<const float*>(from)[index];
  }
};

/// Stored as bfloat16, two consecutive d (keys) or positions (values) in each 32-bit lane.
template <class L>
struct Bf16Cache {
  static constexpr int kStep = 2;
  static constexpr std::size_t kBytes = 2;
  static void load(L (&x)[2], const std::byte* from) noexcept {
    const auto pairs = L::Bits::load(from);
    x[0] = L::from_bits(pairs.template shift_left<16>());
    x[1] = L::from_bits(pairs & 0xFFFF0000U);
  }
  static float element(const std::byte* from, std::size_t index) noexcept {
    return bf16_to_f32(reinterpret_cast<const std::uint16_t*>(from)[index]);
  }
};

template <class L, class Cache>
struct AttentionTile {
  static constexpr int kGroups = kAttentionTile / 16;
  static constexpr int kStep = Cache::kStep;

  template <int rows>
  static void scores(float* p, const float* q, std::size_t q_stride, int head_dim,
                     const std::byte* keys) noexcept {
    const std::size_t group_bytes = static_cast<std::size_t>(head_dim) * 16 * Cache::kBytes;
    L sum[rows][kGroups];
    for (auto& row : sum) {
      for (L& group : row) group = L::broadcast(0.0F);
    }
    for (int d = 0; d < head_dim; d += kStep) {
      const std::byte* column = keys + static_cast<std::size_t>(d) * 16 * Cache::kBytes;
      for (int g = 0; g < kGroups; ++g) {
        L key[kStep];
        Cache::load(key, column + static_cast<std::size_t>(g) * group_bytes);
        for (int r = 0; r < rows; ++r) {
          const float* query = q + static_cast<std::size_t>(r) * q_stride + d;
          for (int i = 0; i < kStep; ++i) {
            sum[r][g] = L::fma(L::broadcast(query[i]), key[i], sum[r][g]);
          }
        }
      }
    }
    for (int r = 0; r < rows; ++r) {
      for (int g = 0; g < kGroups; ++g) sum[r][g].store(p + r * kAttentionTile + 16 * g);
    }
  }

  static void weights(float* p, const float* q, std::size_t q_stride, int rows, int head_dim,
                      const std::byte* keys, const Visible* visible, float cap) noexcept {
    int r = 0;
    for (; r + 2 <= rows; r += 2) {
      scores<2>(p + r * kAttentionTile, q + static_cast<std::size_t>(r) * q_stride, q_stride,
                head_dim, keys);
    }
    if (r < rows) {
      scores<1>(p + r * kAttentionTile, q + static_cast<std::size_t>(r) * q_stride, q_stride,
                head_dim, keys);
    }
    const L limit = L::broadcast(cap);
    const L inverse = L::broadcast(1.0F / cap);
    for (r = 0; r < rows; ++r) {
      for (int g = 0; g < kGroups; ++g) {
        float* at = p + r * kAttentionTile + 16 * g;
        const L weight = exp_lanes(limit * tanh_lanes(L::load(at) * inverse));
        // A masked score may be anything, NaN included: the weight is replaced, not multiplied.
        L::keep_range(weight, visible[r].first - 16 * g, visible[r].last - 16 * g).store(at);
      }
    }
  }

  /// `vectors` vectors of 16 dimensions of one row, positions [first, last).
  template <int vectors>
  static void mix_row(float* out, const float* p, int head_dim, const std::byte* values, int first,
                      int last) noexcept {
    L sum[vectors];
    for (int v = 0; v < vectors; ++v) sum[v] = L::load(out + 16 * v);
    const std::size_t row_bytes = static_cast<std::size_t>(head_dim) * kStep * Cache::kBytes;
    // A pair that begins before `first` holds a cached value whose weight is an exact zero. A pair
    // that ends at `last` may hold anything, so only its first half is used.
    int i = first / kStep * kStep;
    for (; i + kStep <= last; i += kStep) {
      const std::byte* row = values + static_cast<std::size_t>(i / kStep) * row_bytes;
      for (int v = 0; v < vectors; ++v) {
        L value[kStep];
        Cache::load(value, row + static_cast<std::size_t>(v) * 64);
        for (int k = 0; k < kStep; ++k) {
          sum[v] = L::fma(L::broadcast(p[i + k]), value[k], sum[v]);
        }
      }
    }
    if (i < last) {
      const std::byte* row = values + static_cast<std::size_t>(i / kStep) * row_bytes;
      for (int v = 0; v < vectors; ++v) {
        L value[kStep];
        Cache::load(value, row + static_cast<std::size_t>(v) * 64);
        sum[v] = L::fma(L::broadcast(p[i]), value[0], sum[v]);
      }
    }
    for (int v = 0; v < vectors; ++v) sum[v].store(out + 16 * v);
  }

  static void mix(float* out, float* sums, const float* p, int rows, int head_dim,
                  const std::byte* values, const Visible* visible) noexcept {
    for (int r = 0; r < rows; ++r) {
      const auto [first, last] = visible[r];
      if (first >= last) continue;
      const float* weight = p + r * kAttentionTile;
      float* row_sums = sums + 16 * r;
      L sum = L::load(row_sums);
      // Weights outside [first, last) are exact zeros, so whole vectors may be added.
      for (int g = first / 16; g * 16 < last; ++g) sum = sum + L::load(weight + 16 * g);
      sum.store(row_sums);
      float* to = out + static_cast<std::size_t>(r) * static_cast<std::size_t>(head_dim);
      int d = 0;
      for (; d + 128 <= head_dim; d += 128) {
        mix_at<8>(to, weight, d, head_dim, values, first, last);
      }
      for (; d + 16 <= head_dim; d += 16) {
        mix_at<1>(to, weight, d, head_dim, values, first, last);
      }
      for (; d < head_dim; ++d) mix_one(to + d, weight, d, head_dim, values, first, last);
    }
  }

  template <int vectors>
  static void mix_at(float* out, const float* p, int d, int head_dim, const std::byte* values,
                     int first, int last) noexcept {
    mix_row<vectors>(out + d, p, head_dim,
                     values + static_cast<std::size_t>(d) * kStep * Cache::kBytes, first, last);
  }

  /// One dimension of a head whose size is no multiple of 16.
  static void mix_one(float* out, const float* p, int d, int head_dim, const std::byte* values,
                      int first, int last) noexcept {
    float sum = *out;
    for (int i = first; i < last; ++i) {
      const std::size_t row =
          static_cast<std::size_t>(i / kStep) * static_cast<std::size_t>(head_dim);
      const std::size_t index =
          (row + static_cast<std::size_t>(d)) * kStep + static_cast<std::size_t>(i % kStep);
      sum = std::fma(p[i], Cache::element(values, index), sum);
    }
    *out = sum;
  }

  static AttentionKernels kernels() noexcept { return {weights, mix}; }
};

}  // namespace gemma2::cpu
