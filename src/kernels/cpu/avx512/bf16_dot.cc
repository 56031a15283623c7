// SPDX-License-Identifier: Apache-2.0
//
// BF16 times BF16 with vdpbf16ps: 16 rows x a pair of k for each instruction, the activation pair
// broadcast from memory. One accumulator an output, pairs in ascending k, the same for one column
// and for many. The instruction rounds in its own way (two products, two roundings, denormals
// flushed), so this entry's bits belong to its instruction set.
#include <cstring>

#include <immintrin.h>

#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu::avx512_bf16 {
namespace {

constexpr std::size_t kPrefetchBytes = 2048;

/// `strips` x `columns` outputs: enough chains to hide the instruction's latency of six cycles.
template <int strips, int columns>
void block(float* out, std::size_t out_stride, const Strips& w, int strip, const Columns& x,
           int first_column) noexcept {
  __m512 sum[strips][columns];
  for (auto& row : sum) {
    for (__m512& s : row) s = _mm512_setzero_ps();
  }
  const std::byte* data = w.data + static_cast<std::size_t>(strip) * w.strip_bytes;
  const std::byte* column = x.data + static_cast<std::size_t>(first_column) * x.stride;
  for (int k = 0; k < w.cols; k += 2) {
    __m512bh activations[columns];
    for (int c = 0; c < columns; ++c) {
      std::int32_t pair = 0;
      std::memcpy(&pair, column + static_cast<std::size_t>(c) * x.stride + 2 * k, sizeof(pair));
      activations[c] = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
    }
    for (int s = 0; s < strips; ++s) {
      const std::byte* at =
          data + static_cast<std::size_t>(s) * w.strip_bytes + 32 * static_cast<std::size_t>(k);
      if (columns == 1) _mm_prefetch(at + kPrefetchBytes, _MM_HINT_T0);
      const auto weights = reinterpret_cast<__m512bh>(_mm512_load_si512(at));
      for (int c = 0; c < columns; ++c) {
        sum[s][c] = _mm512_dpbf16_ps(sum[s][c], weights, activations[c]);
      }
    }
  }
  for (int s = 0; s < strips; ++s) {
    for (int c = 0; c < columns; ++c) {
      _mm512_storeu_ps(out + static_cast<std::size_t>(first_column + c) * out_stride +
                           16 * static_cast<std::size_t>(strip + s),
                       sum[s][c]);
    }
  }
}

template <int strips>
void all_columns(float* out, std::size_t out_stride, const Strips& w, int strip,
                 const Columns& x) noexcept {
  int c = 0;
  if constexpr (strips <= 2) {
    for (; c + 8 <= x.count; c += 8) block<strips, 8>(out, out_stride, w, strip, x, c);
  }
  for (; c + 4 <= x.count; c += 4) block<strips, 4>(out, out_stride, w, strip, x, c);
  for (; c < x.count; ++c) block<strips, 1>(out, out_stride, w, strip, x, c);
}

void matmul(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  int s = 0;
  if (x.count < 8) {
    for (; s + 4 <= w.count; s += 4) all_columns<4>(out, out_stride, w, s, x);
  }
  for (; s + 2 <= w.count; s += 2) all_columns<2>(out, out_stride, w, s, x);
  for (; s < w.count; ++s) all_columns<1>(out, out_stride, w, s, x);
}

}  // namespace

void install_bf16_dot(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::bf16)];
  kernels.input = InputLayout::bf16;
  kernels.matmul = matmul;
}

}  // namespace gemma2::cpu::avx512_bf16
