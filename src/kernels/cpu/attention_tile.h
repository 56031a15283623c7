// SPDX-License-Identifier: Apache-2.0
//
// Attention over one tile of 64 positions. Templates on a Lanes type and a cache format, which
// brings its arithmetic: float32 FMA chains, unless an instruction set has something faster.
//
// Scores: lane = position, one chain over d for each position. Mix: lane = dimension, one chain
// over positions for each dimension; since the soft cap bounds every score there is no running
// maximum, and partial sums of tiles simply continue.
//
// Up to six rows share each load of keys or values, with as many vectors a row as leave all sums in
// registers: six rows by one pair of AVX2 registers run twelve chains, and a pair of multiply-adds
// needs less than one load. How rows and vectors are grouped changes no chain.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/attention_cache.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/vector_math.h"

namespace gemma2::cpu {

template <class L, class Cache>
struct AttentionTile {
  using Factor = typename Cache::Factor;
  static constexpr int kGroups = kAttentionTile / 16;
  static constexpr int kStep = Cache::kStep;
  static constexpr int kRowBlock = 6;
  static constexpr std::size_t kPrefetchBytes = 2048;  // one token streams; floats need no help

  /// Vectors of each of `rows` rows that are summed up at once.
  static constexpr int vectors_for(int rows) noexcept {
    const int fit = L::kAccumulators / rows;
    return fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
  }

  template <int n>
  struct Count {
    static constexpr int value = n;
  };
  /// Calls body(Count<n>) for n = 1 .. kRowBlock.
  template <typename Body>
  static void with_count(int n, Body body) noexcept {
    static_assert(kRowBlock == 6);
    if (n == 6) return body(Count<6>());
    if (n == 5) return body(Count<5>());
    if (n == 4) return body(Count<4>());
    if (n == 3) return body(Count<3>());
    if (n == 2) return body(Count<2>());
    body(Count<1>());
  }
  /// Calls body(Count<n>) for n = first .. last - 1.
  template <int first, int last, typename Body>
  static void for_parts(Body body) noexcept {
    if constexpr (first < last) {
      body(Count<first>());
      for_parts<first + 1, last>(body);
    }
  }

  static std::size_t at(int n) noexcept { return static_cast<std::size_t>(n); }

  /// The scales of a scaled cache's tile.
  static const float* scales_of(const std::byte* tile, int head_dim) noexcept {
    return reinterpret_cast<const float*>(tile + at(head_dim) * kAttentionTile * Cache::kBytes);
  }

  /// sum += part of the loads at `from`, `stride` bytes apart, times those factors of each row.
  template <int part, int rows, int vectors>
  static void add_products(L (&sum)[rows][vectors], const std::byte* from, std::size_t stride,
                           const Factor* factors, std::size_t row_stride) noexcept {
    typename Cache::Loaded loaded[vectors];
    for (int v = 0; v < vectors; ++v) {
      if constexpr (rows <= 2 && part == 0 && Cache::kBytes < 4) {
        __builtin_prefetch(from + at(v) * stride + kPrefetchBytes);
      }
      loaded[v] = Cache::template load<part>(from + at(v) * stride);
    }
    for (int r = 0; r < rows; ++r) {
      const auto factor = Cache::template factor<part>(factors + at(r) * row_stride);
      for (int v = 0; v < vectors; ++v) sum[r][v] = Cache::add(sum[r][v], loaded[v], factor);
    }
  }

  /// Scores of `rows` rows and of the positions of groups [group, group + groups).
  template <int rows, int groups>
  static void scores(float* p, const Factor* q, std::size_t q_stride, int head_dim,
                     const std::byte* keys, int group) noexcept {
    const std::size_t group_bytes = at(head_dim) * 16 * Cache::kBytes;
    const std::byte* first = keys + at(group) * group_bytes;
    L sum[rows][groups];
    for (auto& row : sum) {
      for (L& s : row) s = L::broadcast(0.0F);
    }
    for (int d = 0; d < head_dim; d += kStep) {
      for_parts<0, Cache::kParts>([&](auto part) {
        add_products<part.value>(sum, first + at(d) * 16 * Cache::kBytes, group_bytes, q + d,
                                 q_stride);
      });
    }
    for (int g = 0; g < groups; ++g) {
      const int position = 16 * (group + g);
      for (int r = 0; r < rows; ++r) {
        if constexpr (Cache::kScaled) {
          sum[r][g] = sum[r][g] * L::load(scales_of(keys, head_dim) + position);
        }
        sum[r][g].store(p + r * kAttentionTile + position);
      }
    }
  }

  /// Whether one of `rows` rows sees one of the positions [first, last).
  static bool any_visible(const Visible* visible, int rows, int first, int last) noexcept {
    for (int r = 0; r < rows; ++r) {
      if (visible[r].first < last && visible[r].last > first) return true;
    }
    return false;
  }

  /// The groups outermost: all rows read one while it is in the nearest cache.
  template <int rows>
  static void score_blocks(float* p, const Factor* q, std::size_t q_stride, int blocks,
                           int head_dim, const std::byte* keys, const Visible* visible) noexcept {
    constexpr int kShare = vectors_for(rows);
    for (int g = 0; g < kGroups; g += kShare) {
      for (int b = 0; b < blocks; ++b) {
        const int r = b * rows;
        if (!any_visible(visible + r, rows, 16 * g, 16 * (g + kShare))) continue;
        scores<rows, kShare>(p + r * kAttentionTile, q + at(r) * q_stride, q_stride, head_dim, keys,
                             g);
      }
    }
  }

  /// Scores of one row -> weights, exact zeros where the row does not see.
  static void soft_exp(float* p, Visible visible, float cap) noexcept {
    const L limit = L::broadcast(cap);
    const L inverse = L::broadcast(1.0F / cap);
    for (int g = 0; g < kGroups; ++g) {
      const int first = visible.first - 16 * g;
      const int last = visible.last - 16 * g;
      L weight = L::broadcast(0.0F);
      if (first < 16 && last > 0 && first < last) {
        weight = exp_lanes(limit * tanh_lanes_mostly_small(L::load(p + 16 * g) * inverse));
        // A masked score may be anything, NaN included: the weight is replaced, not multiplied.
        if (first > 0 || last < 16) weight = L::keep_range(weight, first, last);
      }
      weight.store(p + 16 * g);
    }
  }

  static void weights(float* p, const Factor* q, std::size_t q_stride, int rows, int head_dim,
                      const std::byte* keys, const Visible* visible, float cap) noexcept {
    const int blocks = rows / kRowBlock;
    score_blocks<kRowBlock>(p, q, q_stride, blocks, head_dim, keys, visible);
    const int done = blocks * kRowBlock;
    if (done < rows) {
      with_count(rows - done, [&](auto count) {
        score_blocks<count.value>(p + done * kAttentionTile, q + at(done) * q_stride, q_stride, 1,
                                  head_dim, keys, visible + done);
      });
    }
    for (int r = 0; r < rows; ++r) soft_exp(p + r * kAttentionTile, visible[r], cap);
  }

  /// `vectors` blocks of 16 dimensions of `rows` rows from dimension d on, positions [first, last).
  template <int rows, int vectors>
  static void mix_block(float* out, const Factor* p, int d, int head_dim, const std::byte* values,
                        int first, int last) noexcept {
    const std::byte* block = values + at(d) * kAttentionTile * Cache::kBytes;
    L sum[rows][vectors];
    for (int r = 0; r < rows; ++r) {
      for (int v = 0; v < vectors; ++v) sum[r][v] = L::load(out + r * head_dim + d + 16 * v);
    }
    const auto add = [&](int i, auto part) {
      const int load = i & ~(kStep - 1);
      add_products<part.value>(sum, block + at(load) * 16 * Cache::kBytes,
                               kAttentionTile * 16 * Cache::kBytes, p + load, kAttentionTile);
    };
    int i = first;
    if (i % kStep != 0 && i < last) add(i++, Count<Cache::kUpper>());
    for (; i + kStep <= last; i += kStep) {
      for_parts<0, Cache::kParts>([&](auto part) { add(i, part); });
    }
    if (i < last) add(i, Count<Cache::kLower>());
    for (int r = 0; r < rows; ++r) {
      for (int v = 0; v < vectors; ++v) sum[r][v].store(out + r * head_dim + d + 16 * v);
    }
  }

  /// Dimensions [d, head_dim) of one row, fewer than 16: of a head whose size is no multiple of it.
  static void mix_rest(float* out, const Factor* p, int d, int head_dim, const std::byte* values,
                       int first, int last) noexcept {
    const std::byte* block = values + at(d) * kAttentionTile * Cache::kBytes;
    const int width = head_dim - d;
    for (int j = 0; j < width; ++j) {
      float sum = out[d + j];
      for (int i = first; i < last; ++i) {
        const int index = (i / kStep * width + j) * kStep + i % kStep;
        sum = std::fma(Cache::value_of(p[i]), Cache::element(block, at(index)), sum);
      }
      out[d + j] = sum;
    }
  }

  /// All dimensions of `rows` rows, positions [first, last).
  template <int rows>
  static void mix_rows(float* out, const Factor* p, int head_dim, const std::byte* values,
                       int first, int last) noexcept {
    if (first >= last) return;
    constexpr int kShare = vectors_for(rows);
    int d = 0;
    for (; d + 16 * kShare <= head_dim; d += 16 * kShare) {
      mix_block<rows, kShare>(out, p, d, head_dim, values, first, last);
    }
    for (; d + 16 <= head_dim; d += 16) {
      mix_block<rows, 1>(out, p, d, head_dim, values, first, last);
    }
    if (d == head_dim) return;
    for (int r = 0; r < rows; ++r) {
      mix_rest(out + r * head_dim, p + r * kAttentionTile, d, head_dim, values, first, last);
    }
  }

  /// Positions that all rows see are added for all together, those before and behind row by row:
  /// a value that a row does not see may be anything, and takes no part in its chain. A pair is
  /// never split in two that a row sees whole.
  template <int rows>
  static void mix_visible(float* out, const Factor* p, int head_dim, const std::byte* values,
                          const Visible* visible) noexcept {
    int first = 0;
    int last = kAttentionTile;
    for (int r = 0; r < rows; ++r) {
      first = visible[r].first > first ? visible[r].first : first;
      last = visible[r].last < last ? visible[r].last : last;
    }
    first = (first + kStep - 1) / kStep * kStep;
    last = last / kStep * kStep;
    if (first > last) first = last;
    const auto alone = [&](int r, int from, int to) {
      mix_rows<1>(out + r * head_dim, p + r * kAttentionTile, head_dim, values, from, to);
    };
    for (int r = 0; r < rows; ++r) {
      alone(r, visible[r].first, visible[r].last < first ? visible[r].last : first);
    }
    mix_rows<rows>(out, p, head_dim, values, first, last);
    for (int r = 0; r < rows; ++r) {
      alone(r, visible[r].first > last ? visible[r].first : last, visible[r].last);
    }
  }

  static void add_weights(float* sums, const float* p, Visible visible) noexcept {
    L sum = L::load(sums);
    // Weights that the row does not see are exact zeros, so whole vectors may be added.
    for (int g = visible.first / 16; g * 16 < visible.last; ++g) {
      sum = sum + Cache::counted(L::load(p + 16 * g));
    }
    sum.store(sums);
  }

  static void mix(float* out, float* sums, const float* p, int rows, int head_dim,
                  const std::byte* values, const Visible* visible) noexcept {
    for (int r = 0; r < rows; ++r) {
      if (visible[r].first < visible[r].last) {
        add_weights(sums + 16 * r, p + r * kAttentionTile, visible[r]);
      }
    }
    Factor room[kRowBlock * kAttentionTile];
    for (int r = 0; r < rows; r += kRowBlock) {
      const int count_here = rows - r < kRowBlock ? rows - r : kRowBlock;
      const Factor* factors =
          Cache::factors(room, p + r * kAttentionTile, count_here, scales_of(values, head_dim));
      with_count(count_here, [&](auto count) {
        mix_visible<count.value>(out + r * head_dim, factors, head_dim, values, visible + r);
      });
    }
  }

  static AttentionKernels kernels() noexcept { return {weights, mix}; }
};

}  // namespace gemma2::cpu
