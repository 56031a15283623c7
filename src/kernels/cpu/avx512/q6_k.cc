// SPDX-License-Identifier: Apache-2.0
//
// Q6_K with VNNI. One to eight columns: a group of 16 k is three loads and nine bit
// operations away from four registers of weights, which every column of the block then uses. More
// columns are worth a panel (q6_k_panel.h). Bytes read for each output: cols * 210 / 256.
#include "kernels/cpu/avx512/q6_k_panel.h"

namespace gemma2::cpu::avx512_vnni {
namespace {

// Weights stream past once: asking for the lines this far ahead, a little more than a tile, keeps
// the memory busy while the window is full of arithmetic. The distance has not been tuned.
constexpr std::size_t kPrefetchBytes = 4096;

struct Q6Kernel {
  static constexpr int kColumns = 8;
  template <int columns>
  static constexpr bool kByGroup = columns <= 2;

  /// t += pair `half` of a quarter: pair b of the tile. One or two columns leave the multipliers
  /// idle while shifts and shuffles unpack, so each group is multiplied by its sub-scale.
  template <int columns>
  [[gnu::always_inline]] static void multiply_groups(__m512 (&t)[1][columns],
                                                     const std::byte* quarter, int half,
                                                     const Q6Columns<columns>& x, int b) noexcept {
    __m512i scaled[columns];
    for (__m512i& v : scaled) v = _mm512_setzero_si512();
    for (int g = 0; g < 2; ++g) {
      const int in_quarter = 2 * half + g;
      const avx512::Q6Group group =
          avx512::unpack_group(quarter + 64 + static_cast<std::size_t>(in_quarter) * kQ6GroupBytes);
      const __m512i scale = _mm512_cvtepi8_epi32(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(quarter + 16 * in_quarter)));
      Q6Products<1, columns> products;
      products.start_from_offsets(x, 2 * b + g);
      for (int q = 0; q < 4; ++q) {
        const __m512i weights[1] = {group.quad[q]};
        products.add_quad(weights, x, 32 * b + 16 * g + 4 * q);
      }
      for (int c = 0; c < columns; ++c) {
        scaled[c] = _mm512_add_epi32(scaled[c], _mm512_mullo_epi32(products.sum[0][c], scale));
      }
    }
    for (int c = 0; c < columns; ++c) {
      t[0][c] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(scaled[c]), _mm512_set1_ps(x.block[c]->scale[b]),
                                t[0][c]);
    }
  }

  /// The same for more columns.
  template <int columns>
  [[gnu::always_inline]] static void multiply_pair(__m512 (&t)[1][columns],
                                                   const std::byte* quarter, int half,
                                                   const Q6Columns<columns>& x, int b) noexcept {
    Q6Products<1, columns> products;
    products.clear();
    for (int g = 1; g >= 0; --g) {  // the second group first
      const avx512::Q6Group group = avx512::unpack_group(
          quarter + 64 + static_cast<std::size_t>(2 * half + g) * kQ6GroupBytes);
      for (int q = 0; q < 4; ++q) {
        const __m512i weights[1] = {group.quad[q]};
        products.add_quad(weights, x, 32 * b + 16 * g + 4 * q);
      }
      if (g == 1) products.shift_up();
    }
    const __m512i scales[1] = {avx512::scale_pairs(quarter + 32 * half)};
    products.add_to(t, scales, x, b);
  }

  template <int columns>
  static void strip(float* out, std::size_t out_stride, const std::byte* strip, int cols,
                    const Columns& x) noexcept {
    Q6Columns<columns> at;
    for (int c = 0; c < columns; ++c) at.block[c] = avx512::blocks_of(x, c, 0);
    const std::byte* quarter = strip + q6_k_tiles_offset(cols);
    for (int block = 0; block < cols / kQ6Block; ++block) {
      kByGroup<columns> ? at.find_group_offsets() : at.find_offsets();
      __m512 t[1][columns];
      for (__m512& v : t[0]) v = _mm512_setzero_ps();
      for (int q = 0; q < 4; ++q, quarter += kQ6QuarterBytes) {
        for (std::size_t line = 0; line < kQ6QuarterBytes; line += 64) {
          _mm_prefetch(quarter + kPrefetchBytes + line, _MM_HINT_T0);
        }
        for (int half = 0; half < 2; ++half) {
          if constexpr (kByGroup<columns>) {
            multiply_groups<columns>(t, quarter, half, at, 2 * q + half);
          } else {
            multiply_pair<columns>(t, quarter, half, at, 2 * q + half);
          }
        }
      }
      const __m512 d = avx512::load_16_halves(strip + 32 * static_cast<std::size_t>(block));
      const __mmask16 continued = block == 0 ? __mmask16{0} : __mmask16{0xFFFF};
      for (int c = 0; c < columns; ++c) {
        float* to = out + static_cast<std::size_t>(c) * out_stride;
        const __m512 sum = _mm512_maskz_loadu_ps(continued, to);
        _mm512_storeu_ps(to, _mm512_fmadd_ps(d, t[0][c], sum));
        ++at.block[c];
      }
    }
  }
};

void matmul(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  const int paired = x.count > Q6Kernel::kColumns ? w.count / 2 * 2 : 0;
  if (paired > 0) {
    avx512::ManyColumns<Q6PanelKernel<Q6Kernel>>::matmul(out, out_stride, w, x);
  }
  avx512::FewColumns<Q6Kernel>::matmul(out + kStripRows * paired, out_stride,
                                       avx512::rest_of(w, paired), x);
}

}  // namespace

void install_q6_k(KernelTable& table) {
  table.format[static_cast<int>(DType::q6_k)].matmul = matmul;
}

}  // namespace gemma2::cpu::avx512_vnni
