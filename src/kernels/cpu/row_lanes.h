// SPDX-License-Identifier: Apache-2.0
//
// The passes of sampling over all logits of a row, a vocabulary long: each reads a row once and
// leaves a number for each block of 256 behind, so that what follows looks at few blocks. Templates
// on a Lanes type; one instantiation an ISA.
#pragma once

#include <cstring>
#include <limits>

#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/row_math.h"

namespace gemma2::cpu {

template <class L>
struct RowLanes {
  /// Sixteen of x, or the `count` there are and -inf behind them.
  static L load(const float* x, int count) noexcept {
    if (count >= 16) return L::load(x);
    float padded[16];
    for (float& lane : padded) lane = -std::numeric_limits<float>::infinity();
    std::memcpy(padded, x, static_cast<std::size_t>(count) * sizeof(float));
    return L::load(padded);
  }
  static void store(float* to, L value, int count) noexcept {
    if (count >= 16) {
      value.store(to);
    } else {
      store_partial(to, value, count);
    }
  }
  static float largest_lane(L value) noexcept {
    float lanes[16];
    value.store(lanes);
    float largest = lanes[0];
    for (float lane : lanes) largest = lane > largest ? lane : largest;
    return largest;
  }

  static bool block_maxima(float* maxima, const float* x, int n) noexcept {
    L magnitude = L::broadcast(0.0F);
    for (int first = 0; first < n; first += kRowBlock, ++maxima) {
      const int end = n - first < kRowBlock ? n : first + kRowBlock;
      L largest = L::broadcast(-std::numeric_limits<float>::infinity());
      for (int i = first; i < end; i += 16) {
        const L values = load(x + i, end - i);
        largest = L::max(largest, values);
        // What pads the row is no value of it.
        magnitude =
            L::max_bits(magnitude, L::abs(end - i < 16 ? load_partial<L>(x + i, end - i) : values));
      }
      *maxima = largest_lane(largest);
    }
    float lanes[16];
    magnitude.store(lanes);
    bool all_finite = true;
    for (float lane : lanes) all_finite &= lane <= std::numeric_limits<float>::max();
    return all_finite;
  }

  static void exp_weights(float* weights, float* sums, const float* x, int n, float best,
                          float factor) noexcept {
    const L origin = L::broadcast(best);
    const L scale = L::broadcast(factor);
    const L lowest = L::broadcast(-87.0F);
    const L zero = L::broadcast(0.0F);
    for (int first = 0; first < n; first += kRowBlock, ++sums) {
      const int end = n - first < kRowBlock ? n : first + kRowBlock;
      L sum = zero;
      for (int i = first; i < end; i += 16) {
        const L exponent = (load(x + i, end - i) - origin) * scale;
        const L weight = L::select_less(exponent, lowest, zero, exp_lanes(exponent));
        store(weights + i, weight, end - i);
        sum = sum + weight;
      }
      *sums = reduce_lanes(sum);
    }
  }

  static float sum_from(const float* weights, int n, float least) noexcept {
    const L limit = L::broadcast(least);
    const L zero = L::broadcast(0.0F);
    L sum = zero;
    for (int i = 0; i < n; i += 16) {
      const L weight = n - i < 16 ? load_partial<L>(weights + i, n - i) : L::load(weights + i);
      sum = sum + L::select_less(weight, limit, zero, weight);
    }
    return reduce_lanes(sum);
  }

  static void install(KernelTable& table) noexcept {
    table.block_maxima = block_maxima;
    table.exp_weights = exp_weights;
    table.sum_from = sum_from;
  }
};

}  // namespace gemma2::cpu
