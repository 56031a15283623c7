// SPDX-License-Identifier: Apache-2.0
//
// Q6_K times 8-bit activations with vpdpbusd, on registers. Lane = row: one instruction multiplies
// four k of 16 rows with four activations broadcast from memory.
//
// Two groups of 16 k share one accumulator. With U = sum of value * activation over a group, and
// S = U - 32 * sum of the activations, what is wanted is subscale1 * S1 + subscale0 * S0. The chain
// takes the second group, shifts U1 to the upper 16 bits, and goes on with the first:
//   U1 * 2^16 + U0 + offset = S1 * 2^16 + (S0 + 2^15),
//   offset = -32 * (sum1 * 2^16 + sum0) + 2^15, all modulo 2^32.
// Weights lie in -32 .. 31 and the quantizer keeps the sum of |activation| of 16 at or below 1023,
// so |S| <= 32736: S0 + 2^15 is positive and borrows nothing from the upper half, and turning its
// top bit over makes it S0 again. One vpmaddwd with the sub-scales as pairs then yields the 32
// products, exact. Per 32 k, 16 rows and a column that is eight vpdpbusd, one vpmaddwd and one FMA
// on the multipliers; shift, addition, exclusive or and conversion run beside them.
#pragma once

#include <cstring>

#include "kernels/cpu/avx512/q6_k_group.h"
#include "quant/activation_block.h"

namespace gemma2::cpu::avx512_vnni {

/// The activations of `columns` columns in one block of 256 k.
template <int columns>
struct Q6Columns {
  const ActivationBlock* block[columns];
  alignas(64) std::int32_t offset[columns][16];  // of pair b in element 2 b, or of each group

  [[gnu::always_inline]] void find_offsets() noexcept {
    for (int c = 0; c < columns; ++c) {
      const __m512i sums = _mm512_loadu_si512(block[c]->sum);
      const __m512i second = _mm512_slli_epi32(_mm512_srli_epi64(sums, 32), 16);
      const __m512i both = _mm512_slli_epi32(_mm512_add_epi32(sums, second), 5);
      _mm512_store_si512(offset[c], _mm512_sub_epi32(_mm512_set1_epi32(0x8000), both));
    }
  }

  /// For groups that are multiplied one by one: -32 * sum of each.
  [[gnu::always_inline]] void find_group_offsets() noexcept {
    for (int c = 0; c < columns; ++c) {
      const __m512i sums = _mm512_slli_epi32(_mm512_loadu_si512(block[c]->sum), 5);
      _mm512_store_si512(offset[c], _mm512_sub_epi32(_mm512_setzero_si512(), sums));
    }
  }
};

/// Sums of one pair of groups for `strips` x `columns` outputs of 16 rows each.
template <int strips, int columns>
struct Q6Products {
  __m512i sum[strips][columns];

  [[gnu::always_inline]] void clear() noexcept {
    for (auto& strip : sum) {
      for (__m512i& s : strip) s = _mm512_setzero_si512();
    }
  }

  [[gnu::always_inline]] void start_from_offsets(const Q6Columns<columns>& x, int group) noexcept {
    for (int c = 0; c < columns; ++c) {
      const __m512i offset = _mm512_set1_epi32(x.offset[c][group]);
      for (int s = 0; s < strips; ++s) sum[s][c] = offset;
    }
  }

  /// Four k from `k` on of the block.
  [[gnu::always_inline]] void add_quad(const __m512i (&weights)[strips],
                                       const Q6Columns<columns>& x, int k) noexcept {
    for (int c = 0; c < columns; ++c) {
      std::int32_t word = 0;
      std::memcpy(&word, x.block[c]->value + k, sizeof(word));
      const __m512i activations = _mm512_set1_epi32(word);
      for (int s = 0; s < strips; ++s) {
        sum[s][c] = _mm512_dpbusd_epi32(sum[s][c], weights[s], activations);
      }
    }
  }

  /// Between the second group of a pair and the first.
  [[gnu::always_inline]] void shift_up() noexcept {
    for (auto& strip : sum) {
      for (__m512i& s : strip) s = _mm512_slli_epi32(s, 16);
    }
  }

  /// t += pair b of the block, scaled. scales: pairs of sub-scales, the first group's low.
  [[gnu::always_inline]] void add_to(__m512 (&t)[strips][columns], const __m512i (&scales)[strips],
                                     const Q6Columns<columns>& x, int b) const noexcept {
    const __m512i top = _mm512_set1_epi32(0x8000);
    for (int c = 0; c < columns; ++c) {
      const __m512i offset = _mm512_set1_epi32(x.offset[c][2 * b]);
      const __m512 scale = _mm512_set1_ps(x.block[c]->scale[b]);
      for (int s = 0; s < strips; ++s) {
        const __m512i pair = _mm512_xor_si512(_mm512_add_epi32(sum[s][c], offset), top);
        const __m512i products = _mm512_madd_epi16(pair, scales[s]);
        t[s][c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scale, t[s][c]);
      }
    }
  }
};

}  // namespace gemma2::cpu::avx512_vnni
