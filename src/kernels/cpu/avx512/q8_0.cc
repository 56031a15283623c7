// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 with VNNI: the weights lie as vpdpbusd takes them, value + 128, four k of 16 rows at a time.
// The accumulator starts at -128 * (sum of the activations). One to eight columns read a strip
// once; more take pairs of strips, 512 k (17 KB) at a time, 32 rows x 6 columns: 12 products and 12
// sums in registers. Per 32 k, 16 rows and a column: eight vpdpbusd, the product of the two scales
// and one FMA on the multipliers, and a conversion beside them.
#include <cstring>

#include "kernels/cpu/avx512/column_blocks.h"
#include "kernels/cpu/avx512/q6_k_group.h"

namespace gemma2::cpu::avx512_vnni {
namespace {

constexpr std::size_t kPrefetchBytes = 4096;

const std::byte* frame_of(const std::byte* strip, int k) noexcept {
  return strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
}

/// The activations of `columns` columns in one block of 256 k.
template <int columns>
struct Q8Columns {
  const ActivationBlock* block[columns];
  alignas(64) std::int32_t offset[columns][16];  // of 32 k b in element 2 b

  [[gnu::always_inline]] void find_offsets() noexcept {
    for (int c = 0; c < columns; ++c) {
      const __m512i sums = _mm512_loadu_si512(block[c]->sum);
      const __m512i both = _mm512_add_epi32(sums, _mm512_srli_epi64(sums, 32));
      _mm512_store_si512(offset[c],
                         _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(both, 7)));
    }
  }
};

/// sum += 32 k, the b-th of the block; frame[s] and `half` say where strip s has them.
template <int strips, int columns>
[[gnu::always_inline]] inline void multiply(__m512 (&sum)[strips][columns],
                                            const std::byte* const (&frame)[strips], int half,
                                            const Q8Columns<columns>& x, int b) noexcept {
  __m512i products[strips][columns];
  for (int c = 0; c < columns; ++c) {
    const __m512i start = _mm512_set1_epi32(x.offset[c][2 * b]);
    for (int s = 0; s < strips; ++s) products[s][c] = start;
  }
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) {
    __m512i weights[strips];
    for (int s = 0; s < strips; ++s) {
      weights[s] = _mm512_load_si512(frame[s] + kQ8ScaleBytes + 512 * half + 64 * q);
    }
    for (int c = 0; c < columns; ++c) {
      std::int32_t word = 0;
      std::memcpy(&word, x.block[c]->value + 32 * b + 4 * q, sizeof(word));
      const __m512i activations = _mm512_set1_epi32(word);
      for (int s = 0; s < strips; ++s) {
        products[s][c] = _mm512_dpbusd_epi32(products[s][c], weights[s], activations);
      }
    }
  }
  __m512 d[strips];
  for (int s = 0; s < strips; ++s) d[s] = avx512::load_16_halves(frame[s] + 32 * half);
  for (int c = 0; c < columns; ++c) {
    const __m512 x_scale = _mm512_set1_ps(x.block[c]->scale[b]);
    for (int s = 0; s < strips; ++s) {
      sum[s][c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[s][c]), _mm512_mul_ps(d[s], x_scale),
                                  sum[s][c]);
    }
  }
}

/// out = or += k of [first, last) of `strips` strips; `first` is a multiple of 256.
/// Calls ask_for(frame of the first strip, half) before each 32.
template <int strips, int columns, class AskFor>
[[gnu::always_inline]] inline void multiply_range(float* out, std::size_t out_stride,
                                                  const std::byte* const (&strip)[strips],
                                                  int first, int last, const Columns& x,
                                                  AskFor ask_for) noexcept {
  Q8Columns<columns> at;
  const __mmask16 continued = first == 0 ? __mmask16{0} : __mmask16{0xFFFF};
  __m512 sum[strips][columns];
  for (int c = 0; c < columns; ++c) {
    at.block[c] = avx512::blocks_of(x, c, first);
    const float* from = out + static_cast<std::size_t>(c) * out_stride;
    for (int s = 0; s < strips; ++s) {
      sum[s][c] = _mm512_maskz_loadu_ps(continued, from + kStripRows * s);
    }
  }
  const std::byte* frame[strips];
  for (int s = 0; s < strips; ++s) frame[s] = frame_of(strip[s], first);
  for (int left = last - first; left > 0; left -= kActivationBlock) {
    at.find_offsets();
    for (int b = 0; b < 8 && 32 * b < left; ++b) {
      ask_for(frame[0], b % 2);
      multiply(sum, frame, b % 2, at, b);
      if (b % 2 == 0) continue;
      for (const std::byte*& f : frame) f += kQ8FrameBytes;
    }
    for (const ActivationBlock*& block : at.block) ++block;
  }
  for (int c = 0; c < columns; ++c) {
    float* to = out + static_cast<std::size_t>(c) * out_stride;
    for (int s = 0; s < strips; ++s) _mm512_storeu_ps(to + kStripRows * s, sum[s][c]);
  }
}

struct Q8Kernel {
  static constexpr int kColumns = 8;

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    const auto ask_for = [](const std::byte* frame, int half) __attribute__((always_inline)) {
      const std::byte* from = frame + kPrefetchBytes + (kQ8ScaleBytes + 512) * half;
      for (int line = 0; line < 9 - half; ++line) _mm_prefetch(from + 64 * line, _MM_HINT_T0);
    };
    multiply_range<1, columns>(out, out_stride, {strip}, 0, cols, x, ask_for);
  }
};

struct Q8TileKernel {
  static constexpr int kColumns = 6;
  static constexpr int kChunk = 512;

  struct Panel {
    const std::byte* strip[2];
    int first;
    int last;
  };

  static const std::byte* stored(const Strips& pair, int strip, int first) noexcept {
    return frame_of(pair.data + static_cast<std::size_t>(strip) * pair.strip_bytes, first);
  }

  static void open(Panel& panel, const Strips& pair, int first, int last) noexcept {
    panel = {{pair.data, pair.data + pair.strip_bytes}, first, last};
  }

  template <int columns>
  static void tile(float* out, std::size_t out_stride, const Panel& panel, const Columns& x,
                   avx512::Ahead ahead) noexcept {
    const auto ask_for = [&](const std::byte*, int) __attribute__((always_inline)) {
      for (const std::byte*& strip : ahead.strip) {
        if (strip == nullptr) continue;
        for (int line = 0; line < 9; ++line) _mm_prefetch(strip + 64 * line, _MM_HINT_T1);
        strip += kQ8FrameBytes / 2;
      }
    };
    multiply_range<2, columns>(out, out_stride, panel.strip, panel.first, panel.last, x, ask_for);
  }
};

void matmul(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  const int paired = x.count > Q8Kernel::kColumns ? w.count / 2 * 2 : 0;
  if (paired > 0) avx512::ManyColumns<Q8TileKernel>::matmul(out, out_stride, w, x);
  avx512::FewColumns<Q8Kernel>::matmul(out + kStripRows * paired, out_stride,
                                       avx512::rest_of(w, paired), x);
}

}  // namespace

void install_q8_0(KernelTable& table) {
  table.format[static_cast<int>(DType::q8_0)].matmul = matmul;
}

}  // namespace gemma2::cpu::avx512_vnni
