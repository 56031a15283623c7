// SPDX-License-Identifier: Apache-2.0
//
// THE ISA SEAM: every inner loop's contract. The entries are pure: no allocation, no threads, no
// errors. They are filled once, worst instruction set first, by dispatch.cc.
//
// The law they keep: per output element one accumulator chain, in ascending k, every FMA written
// out. So for a given entry the result never depends on how many columns or strips are computed
// together, and except where `matmul` of BF16 says otherwise it is bit for bit that of the
// reference table. POD only: ISA files include this header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma2/types.h"

#include "quant/activation_block.h"

namespace gemma2::cpu {

inline constexpr int kNumFormats = 5;      // enumerators of DType
inline constexpr int kAttentionTile = 64;  // positions whose scores are computed together

/// Consecutive packed strips of one weight (quant/packed_strips.h).
struct Strips {
  const std::byte* data;
  int count;
  int cols;
  std::size_t strip_bytes;
};

/// Activations, one column a token, in the layout the entry asks for.
struct Columns {
  const std::byte* data;
  int count;
  std::size_t stride;  // bytes from one column to the next
};

/// What a matmul entry reads. Every column is zero-padded to a multiple of 256 values.
enum class InputLayout : std::uint8_t {
  f32,   // float
  bf16,  // bfloat16, rounded to nearest even
  q8     // ActivationBlock
};

struct FormatKernels {
  InputLayout input;  // of matmul

  /// out[c * out_stride + 16 * s + lane] = row `lane` of strip s times column c. All 16 rows of a
  /// strip are written.
  ///   F32, F16: fma(w, x, sum), ascending k.
  ///   BF16 with f32 input: the same. With bf16 input (an ISA with a bf16 dot product): the
  ///     instruction's own rounding, pairs of k ascending.
  ///   Q6_K: per 32 columns b: i = sum over the two groups g of subscale[g] * sum of value *
  ///   weight,
  ///     exact in int32; then t = fma(float(i), x.scale[b], t) over the 8 blocks of a tile,
  ///     t starting from 0; then sum = fma(d, t, sum), tiles ascending.
  ///   Q8_0: per 32 columns b: i exact in int32; sum = fma(float(i), d * x.scale[b], sum).
  void (*matmul)(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept;

  /// The same with float columns: weights decoded to float32 (for Q6_K (d * subscale) * value),
  /// fma(w, x, sum), ascending k.
  void (*matmul_f32)(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept;

  /// One row (0 .. 15) of one strip -> cols floats.
  void (*unpack_row)(float* out, const std::byte* strip, int row, int cols) noexcept;
};

/// Positions of a tile that one query row sees: first <= i < last within 0 .. 64.
struct Visible {
  int first;
  int last;
};

/// Attention over one tile of 64 absolute positions, for query rows that share a key/value head.
/// Keys of a tile: 4 groups of 16 positions; f32, int8: [head_dim][16]; bf16: [head_dim /
/// 2][16][2]. Values of a tile: blocks of n = 16 dimensions, the last perhaps of fewer; f32, int8:
/// [64][n]; bf16: [32 position pairs][n][2]. Behind the int8 of a tile: float scale[64], by
/// position.
struct AttentionKernels {
  /// p[row * 64 + i] = exp(cap * tanh(s / cap)), s = fma chain of q * key over ascending d, for
  /// int8 then times the key's scale; exactly 0 where position i is not visible to the row. q:
  /// [rows][q_stride].
  void (*weights)(float* p, const float* q, std::size_t q_stride, int rows, int head_dim,
                  const std::byte* keys, const Visible* visible, float cap) noexcept;
  /// out[row][d] = fma(w, value[i][d], out[row][d]) and sums[row][i % 16] += p[row][i], for
  /// ascending i visible to the row; w = p[row][i], for int8 p[row][i] times the value's scale.
  /// out: [rows][head_dim], sums: [rows][16].
  void (*mix)(float* out, float* sums, const float* p, int rows, int head_dim,
              const std::byte* values, const Visible* visible) noexcept;
};

/// Sums over a row use 16 lanes, lane l taking elements l, l + 16, ...; then lanes l and l + 8 are
/// added, then l and l + 4, l + 2, l + 1.
struct KernelTable {
  const char* name;
  FormatKernels format[kNumFormats];  // indexed by DType
  /// BF16 in 12 bits (quant/bf16_12.h), with the bits of format[bf16] where `input` is the same.
  FormatKernels bf16_12;
  bool bf16_12_pays;  // measured to be faster than plain BF16 on processors of this table
  AttentionKernels attention_f32;   // by cache format
  AttentionKernels attention_bf16;  // where the ISA has a bf16 dot product, with its own rounding
  AttentionKernels attention_bf16_fma;  // the same cache with float chains
  AttentionKernels attention_int8;

  /// quant/activation_block.h states the rule. n: multiple of 256 (zero-padded by the caller).
  void (*quantize_q8)(ActivationBlock* out, const float* x, int n) noexcept;
  void (*to_bf16)(std::uint16_t* out, const float* x, int n) noexcept;
  /// out = (x * (1 / sqrt(mean(x^2) + eps))) * scale. out may be x. Reads nothing past n.
  void (*rms_norm)(float* out, const float* x, const float* scale, int n, float eps) noexcept;
  /// residual += rms_norm(x)
  void (*rms_norm_add)(float* residual, const float* x, const float* scale, int n,
                       float eps) noexcept;
  /// x = cap * tanh(x / cap)
  void (*soft_cap)(float* x, int n, float cap) noexcept;
  /// out = gelu(gate) * up, gelu in its tanh form. out may be gate.
  void (*geglu)(float* out, const float* gate, const float* up, int n) noexcept;
  /// Rotates x[0 .. head_dim) by half-split pairs; cos_sin: [head_dim / 2] cosines, then sines.
  void (*rope)(float* x, const float* cos_sin, int head_dim) noexcept;
  /// out[l] = sum of the 16 lanes in the fixed tree.
  float (*reduce16)(const float* lanes) noexcept;

  /// The passes of sampling; kernels/row_math.h states what they compute.
  bool (*block_maxima)(float* maxima, const float* x, int n) noexcept;
  void (*exp_weights)(float* weights, float* sums, const float* x, int n, float best,
                      float factor) noexcept;
  float (*sum_from)(const float* weights, int n, float least) noexcept;
};

}  // namespace gemma2::cpu
