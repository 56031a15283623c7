// SPDX-License-Identifier: Apache-2.0
//
// BF16 times BF16 with BFDOT, and with BFMMLA for four columns and more. One accumulator an output,
// pairs of k ascending. The instructions round in their own way (a pair's two products are added
// and rounded to odd, then added to the sum and rounded to odd; denormals are flushed), so this
// entry's bits belong to its instruction set.
//
// Both give the same bits: the architecture defines BFMMLA, of two rows x four k and four k x two
// columns, as two of BFDOT's steps for each output, the pair of lower k first (that FPCR.EBF is
// off, as every Linux process starts, goes for both). A last pair without a partner is multiplied
// beside zeros, which can but turn a sum of -0 into +0; so every sum has a zero added at its end.
//
// BFDOT, for one column 4 strips (for two 2): sums 16, weights 4, activations 1; 16 BFDOT for 17
// loads. BFMMLA, 16 rows x 6 columns: sums 24, weights 4, activations 3; 24 BFMMLA for 8 loads of
// weights, 8 ZIP and 6 loads of activations.
#include <cstring>

#include <arm_neon.h>

#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu::neon_bf16 {
namespace {

// Not tuned on any machine.
constexpr std::size_t kPrefetchBytes = 2048;

inline uint32x4_t load_pairs(const std::byte* at) noexcept {
  return vld1q_u32(reinterpret_cast<const std::uint32_t*>(at));
}

inline bfloat16x8_t as_bf16(uint32x4_t pairs) noexcept {
  return vreinterpretq_bf16_u32(pairs);
}

inline const std::byte* column_at(const Columns& x, int c, int k) noexcept {
  return x.data + static_cast<std::size_t>(c) * x.stride + 2 * static_cast<std::size_t>(k);
}

inline void finish(float* out, float32x4_t sum) noexcept {
  vst1q_f32(out, vaddq_f32(sum, vdupq_n_f32(0.0F)));
}

/// `strips` x `columns` outputs with BFDOT.
template <int strips, int columns>
void dot_block(float* out, std::size_t out_stride, const Strips& w, int strip, const Columns& x,
               int first_column) noexcept {
  float32x4_t sum[strips][columns][4] = {};
  const std::byte* data = w.data + static_cast<std::size_t>(strip) * w.strip_bytes;
  for (int k = 0; k < w.cols; k += 2) {
    bfloat16x8_t activations[columns];
    for (int c = 0; c < columns; ++c) {
      std::uint32_t pair = 0;
      std::memcpy(&pair, column_at(x, first_column + c, k), sizeof(pair));
      activations[c] = as_bf16(vdupq_n_u32(pair));
    }
    for (int s = 0; s < strips; ++s) {
      const std::byte* at =
          data + static_cast<std::size_t>(s) * w.strip_bytes + 32 * static_cast<std::size_t>(k);
      if (columns == 1) __builtin_prefetch(at + kPrefetchBytes);
      for (int r = 0; r < 4; ++r) {
        const bfloat16x8_t weights = as_bf16(load_pairs(at + 16 * r));
        for (int c = 0; c < columns; ++c) {
          sum[s][c][r] = vbfdotq_f32(sum[s][c][r], weights, activations[c]);
        }
      }
    }
  }
  for (int s = 0; s < strips; ++s) {
    for (int c = 0; c < columns; ++c) {
      float* to = out + static_cast<std::size_t>(first_column + c) * out_stride +
                  16 * static_cast<std::size_t>(strip + s);
      for (int r = 0; r < 4; ++r) finish(to + 4 * r, sum[s][c][r]);
    }
  }
}

/// Four k of two columns.
inline bfloat16x8_t column_pair(const Columns& x, int c, int k) noexcept {
  const auto* first = reinterpret_cast<const std::uint16_t*>(column_at(x, c, k));
  const auto* second = reinterpret_cast<const std::uint16_t*>(column_at(x, c + 1, k));
  return vreinterpretq_bf16_u16(vcombine_u16(vld1_u16(first), vld1_u16(second)));
}

/// sum[2 * r + i][p] += rows 4 * r + 2 * i and the next times columns 2 * p and the next, for the k
/// of two pairs; `second` of them, past the end of an odd number of pairs, counts as zeros.
template <int pairs, bool has_second>
inline void multiply_four(float32x4_t (&sum)[8][pairs], const std::byte* at,
                          const bfloat16x8_t (&x)[pairs]) noexcept {
  for (int r = 0; r < 4; ++r) {
    const uint32x4_t first = load_pairs(at + 16 * r);
    const uint32x4_t second = has_second ? load_pairs(at + 64 + 16 * r) : vdupq_n_u32(0);
    const bfloat16x8_t rows01 = as_bf16(vzip1q_u32(first, second));
    const bfloat16x8_t rows23 = as_bf16(vzip2q_u32(first, second));
    for (int p = 0; p < pairs; ++p) {
      sum[2 * r][p] = vbfmmlaq_f32(sum[2 * r][p], rows01, x[p]);
      sum[2 * r + 1][p] = vbfmmlaq_f32(sum[2 * r + 1][p], rows23, x[p]);
    }
  }
}

/// One strip x 2 * `pairs` columns with BFMMLA.
template <int pairs>
void matrix_block(float* out, std::size_t out_stride, const Strips& w, int strip, const Columns& x,
                  int first_column) noexcept {
  float32x4_t sum[8][pairs] = {};
  const std::byte* data = w.data + static_cast<std::size_t>(strip) * w.strip_bytes;
  const int whole = (w.cols + 1) / 4 * 4;  // an odd last k has a partner in the strip
  const auto multiply = [&]<bool has_second>(int k) {
    bfloat16x8_t activations[pairs];
    for (int p = 0; p < pairs; ++p) activations[p] = column_pair(x, first_column + 2 * p, k);
    multiply_four<pairs, has_second>(sum, data + 32 * static_cast<std::size_t>(k), activations);
  };
  for (int k = 0; k < whole; k += 4) multiply.template operator()<true>(k);
  if (whole < w.cols) multiply.template operator()<false>(whole);
  for (int p = 0; p < pairs; ++p) {
    float* to = out + static_cast<std::size_t>(first_column + 2 * p) * out_stride +
                16 * static_cast<std::size_t>(strip);
    for (int i = 0; i < 8; i += 2) {
      finish(to + 2 * i, vuzp1q_f32(sum[i][p], sum[i + 1][p]));
      finish(to + out_stride + 2 * i, vuzp2q_f32(sum[i][p], sum[i + 1][p]));
    }
  }
}

void many_columns(float* out, std::size_t out_stride, const Strips& w, int strip,
                  const Columns& x) noexcept {
  int c = 0;
  for (; c + 6 <= x.count; c += 6) matrix_block<3>(out, out_stride, w, strip, x, c);
  for (; c + 4 <= x.count; c += 4) matrix_block<2>(out, out_stride, w, strip, x, c);
  for (; c + 2 <= x.count; c += 2) matrix_block<1>(out, out_stride, w, strip, x, c);
  if (c < x.count) dot_block<1, 1>(out, out_stride, w, strip, x, c);
}

void matmul(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  int s = 0;
  if (x.count == 1) {
    for (; s + 4 <= w.count; s += 4) dot_block<4, 1>(out, out_stride, w, s, x, 0);
  } else if (x.count < 4) {
    for (; s + 2 <= w.count; s += 2) {
      dot_block<2, 2>(out, out_stride, w, s, x, 0);
      if (x.count == 3) dot_block<2, 1>(out, out_stride, w, s, x, 2);
    }
  }
  for (; s < w.count; ++s) many_columns(out, out_stride, w, s, x);
}

}  // namespace

void install_bf16_dot(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::bf16)];
  kernels.input = InputLayout::bf16;
  kernels.matmul = matmul;
}

}  // namespace gemma2::cpu::neon_bf16
