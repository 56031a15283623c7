// SPDX-License-Identifier: Apache-2.0
//
// Q6_K for many columns: a chunk of 512 k of two strips is unpacked once to bytes, 18 KB that stay
// in the first-level cache, and then multiplied with all columns, 32 rows x 6 columns at a time.
// Registers of such a tile: 12 sums of a pair of groups, 12 partial sums of the tile of 256 k, two
// of weights, two of sub-scales, one activation. Twelve chains are enough for two vpdpbusd a cycle
// of latency 5. Loads for each four k: 2 of weights and 6 of activations for 12 vpdpbusd.
#pragma once

#include "kernels/cpu/avx512/column_blocks.h"
#include "kernels/cpu/avx512/q6_k_products.h"

namespace gemma2::cpu::avx512_vnni {

/// Level: a type of the including file, which makes all of this that file's own.
template <class Level>
struct Q6PanelKernel {
  static constexpr int kColumns = 6;
  static constexpr int kTiles = 2;  // of 256 k
  static constexpr int kChunk = kTiles * kQ6Block;
  static constexpr std::size_t kPairBytes = kQ6QuarterBytes / 2;  // stored, of one strip

  struct alignas(64) Pair {  // of groups: 32 k
    std::byte quad[8][2][64];
    std::byte scales[2][64];
  };
  struct Panel {
    Pair pair[8 * kTiles];
    alignas(64) float d[kTiles][2][16];
    int tiles;
    int first;  // block of 256 k
  };

  static const std::byte* stored(const Strips& pair, int strip, int first) noexcept {
    return avx512::q6_quarter(pair.data + static_cast<std::size_t>(strip) * pair.strip_bytes,
                              pair.cols, first / kQ6Block, 0);
  }

  static void open(Panel& panel, const Strips& strips, int first, int last) noexcept {
    panel.first = first / kQ6Block;
    panel.tiles = (last - first) / kQ6Block;
    for (int s = 0; s < 2; ++s) {
      const std::byte* strip = strips.data + static_cast<std::size_t>(s) * strips.strip_bytes;
      for (int tile = 0; tile < panel.tiles; ++tile) {
        const int block = panel.first + tile;
        _mm512_store_ps(panel.d[tile][s], avx512::load_16_halves(strip + 32 * block));
        for (int b = 0; b < 8; ++b) {
          const std::byte* quarter = avx512::q6_quarter(strip, strips.cols, block, b / 2);
          unpack_pair(panel.pair[8 * tile + b], s, quarter, b % 2);
        }
      }
    }
  }

  [[gnu::always_inline]] static void unpack_pair(Pair& pair, int strip, const std::byte* quarter,
                                                 int half) noexcept {
    for (int g = 0; g < 2; ++g) {
      const avx512::Q6Group group = avx512::unpack_group(
          quarter + 64 + static_cast<std::size_t>(2 * half + g) * kQ6GroupBytes);
      for (int q = 0; q < 4; ++q) _mm512_store_si512(pair.quad[4 * g + q][strip], group.quad[q]);
    }
    _mm512_store_si512(pair.scales[strip], avx512::scale_pairs(quarter + 32 * half));
  }

  template <int columns>
  [[gnu::always_inline]] static void multiply_pair(__m512 (&t)[2][columns], const Pair& pair,
                                                   const Q6Columns<columns>& x, int b) noexcept {
    Q6Products<2, columns> products;
    products.clear();
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const int q = i ^ 4;  // the second group first
      if (i == 4) products.shift_up();
      const __m512i weights[2] = {_mm512_load_si512(pair.quad[q][0]),
                                  _mm512_load_si512(pair.quad[q][1])};
      products.add_quad(weights, x, 32 * b + 4 * q);
    }
    const __m512i scales[2] = {_mm512_load_si512(pair.scales[0]),
                               _mm512_load_si512(pair.scales[1])};
    products.add_to(t, scales, x, b);
  }

  /// As many bytes of the following panel as this pair of groups took.
  [[gnu::always_inline]] static void prefetch(const std::byte*& strip) noexcept {
    if (strip == nullptr) return;
    for (int line = 0; line < 7; ++line) _mm_prefetch(strip + 64 * line, _MM_HINT_T1);
    strip += kPairBytes;
  }

  template <int columns>
  static void tile(float* out, std::size_t out_stride, const Panel& panel, const Columns& x,
                   avx512::Ahead ahead) noexcept {
    Q6Columns<columns> at;
    for (int c = 0; c < columns; ++c) at.block[c] = avx512::blocks_of(x, c, kQ6Block * panel.first);
    for (int tile = 0; tile < panel.tiles; ++tile) {
      at.find_offsets();
      __m512 t[2][columns];
      for (auto& strip : t) {
        for (__m512& v : strip) v = _mm512_setzero_ps();
      }
      for (int b = 0; b < 8; ++b) {
        for (const std::byte*& strip : ahead.strip) prefetch(strip);
        multiply_pair<columns>(t, panel.pair[8 * tile + b], at, b);
      }
      const __mmask16 continued = panel.first + tile == 0 ? __mmask16{0} : __mmask16{0xFFFF};
      for (int s = 0; s < 2; ++s) {
        const __m512 d = _mm512_load_ps(panel.d[tile][s]);
        for (int c = 0; c < columns; ++c) {
          float* to = out + static_cast<std::size_t>(c) * out_stride + 16 * s;
          const __m512 sum = _mm512_maskz_loadu_ps(continued, to);
          _mm512_storeu_ps(to, _mm512_fmadd_ps(d, t[s][c], sum));
        }
      }
      for (const ActivationBlock*& block : at.block) ++block;
    }
  }
};

}  // namespace gemma2::cpu::avx512_vnni
