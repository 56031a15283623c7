// SPDX-License-Identifier: Apache-2.0
//
// BF16 in 12 bits: a chunk of two strips is decoded into the first-level cache as a plain one, once
// for all columns, and multiplied by the loops of bf16_tiles.h. For 64 weights a byte shuffle looks
// up their upper bytes, and two unpacks join them with the lower ones. One column takes the same
// way: storing and loading again are two instructions more for 64 weights.
#pragma once

#include <cstddef>

#include "kernels/cpu/avx512/bf16_tiles.h"
#include "kernels/cpu/bf16_12_matmul.h"

namespace gemma2::cpu::avx512 {

template <class Product>
struct TwelveBitTiles {
  using Plain = Bf16Tiles<Product>;
  static constexpr int kColumns = Product::kColumns;
  static constexpr int kChunk = Plain::kChunk;
  static constexpr std::size_t kChunkBytes = 32 * static_cast<std::size_t>(kChunk);

  struct Quad {
    using Bits = __m512i;
    [[gnu::always_inline]] static void decode(Bits (&pairs)[2], const std::byte* quad,
                                              const std::byte* table) noexcept {
      const __m512i upper_bytes =
          _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
      const __m256i both =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(quad + bf16_12::kLowerBytes));
      const __m512i halves =
          _mm512_inserti64x4(_mm512_castsi256_si512(both), _mm256_srli_epi16(both, 4), 1);
      const __m512i upper =
          _mm512_shuffle_epi8(upper_bytes, _mm512_and_si512(halves, _mm512_set1_epi32(0x0F0F0F0F)));
      const __m512i lower = _mm512_loadu_si512(quad);
      pairs[0] = _mm512_unpacklo_epi8(lower, upper);
      pairs[1] = _mm512_unpackhi_epi8(lower, upper);
    }
    static void store(std::byte* to, Bits pairs) noexcept { _mm512_store_si512(to, pairs); }
  };

  struct Panel {
    alignas(64) std::byte plain[2][kChunkBytes];
    int first;
    int last;
  };

  static const std::byte* stored(const Strips& pair, int strip, int first) noexcept {
    return bf16_12::quad_at(pair.data + static_cast<std::size_t>(strip) * pair.strip_bytes, first);
  }
  static void open(Panel& panel, const Strips& pair, int first, int last) noexcept {
    for (int s = 0; s < 2; ++s) {
      decode_plain<Quad>(panel.plain[s], pair.data + static_cast<std::size_t>(s) * pair.strip_bytes,
                         first, kChunk, pair.cols);
    }
    panel.first = first;
    panel.last = last;
  }

  template <int columns>
  static void tile(float* out, std::size_t out_stride, const Panel& panel, const Columns& x,
                   Ahead ahead) noexcept {
    constexpr std::size_t kPairBytes = bf16_12::kQuadBytes / 2;
    const std::byte* column = x.data + Product::kValueBytes * static_cast<std::size_t>(panel.first);
    const std::byte* even = ahead.strip[0] != nullptr ? ahead.strip[0] : panel.plain[0];
    const std::byte* odd = ahead.strip[1] != nullptr ? ahead.strip[1] : panel.plain[1];
    Plain::template multiply<2, columns>(
        out, out_stride, {panel.plain[0], panel.plain[1]}, column, x.stride,
        (panel.last - panel.first + 1) / 2,
        panel.first == 0, [&](std::size_t pair) __attribute__((always_inline)) {
          _mm_prefetch(even + kPairBytes * pair, _MM_HINT_T1);
          _mm_prefetch(odd + kPairBytes * pair, _MM_HINT_T1);
        });
  }

  struct OneStrip {
    static constexpr int kColumns = TwelveBitTiles::kColumns;
    template <int columns>
    static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                      const Columns& x) noexcept {
      alignas(64) std::byte plain[kChunkBytes];
      for (int first = 0; first < cols; first += kChunk) {
        decode_plain<Quad>(plain, strip, first, kChunk, cols);
        const int count = first + kChunk < cols ? kChunk : cols - first;
        Plain::template multiply<1, columns>(
            out, out_stride, {plain},
            x.data + Product::kValueBytes * static_cast<std::size_t>(first), x.stride,
            (count + 1) / 2, first == 0, [](std::size_t) __attribute__((always_inline)){});
      }
    }
  };

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    ManyColumns<TwelveBitTiles>::matmul(out, out_stride, w, x);
    const int done = w.count / 2 * 2;
    FewColumns<OneStrip>::matmul(out + kStripRows * done, out_stride, rest_of(w, done), x);
  }
};

}  // namespace gemma2::cpu::avx512
