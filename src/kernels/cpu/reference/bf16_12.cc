// SPDX-License-Identifier: Apache-2.0
#include "quant/bf16_12.h"

#include <cmath>

#include "kernels/cpu/kernel_table.h"
#include "quant/bf16.h"

namespace gemma2::cpu::reference {
namespace {

/// One row of a strip, weight by weight.
class Row {
 public:
  Row(const std::byte* strip, int row) noexcept
      : strip_(strip), escape_(strip + bf16_12::kEscapesAt), row_(row) {}

  /// REQUIRES: k ascends from call to call.
  [[nodiscard]] float weight(int k) noexcept {
    const std::byte* quad = bf16_12::quad_at(strip_, k);
    const std::size_t place = bf16_12::place_in_quad(row_, k % bf16_12::kQuadCols);
    const auto both = static_cast<unsigned>(quad[bf16_12::kLowerBytes + place % 32]);
    const unsigned index = place < 32 ? both & 15U : both >> 4;
    const unsigned upper = upper_byte(k, static_cast<unsigned>(strip_[index]));
    return bf16_to_f32(static_cast<std::uint16_t>(upper << 8 | static_cast<unsigned>(quad[place])));
  }

 private:
  /// What the list of escapes says, or `otherwise`. In a quad it is not sorted by k.
  [[nodiscard]] unsigned upper_byte(int k, unsigned otherwise) noexcept {
    const int quad = k / bf16_12::kQuadCols;
    while (quad_of(escape_) < quad) escape_ += 4;
    for (const std::byte* at = escape_; quad_of(at) == quad; at += 4) {
      const std::uint32_t escape = bf16_12::load_word(at);
      if (bf16_12::escape_col(escape) == k && bf16_12::escape_row(escape) == row_) {
        return bf16_12::escape_byte(escape);
      }
    }
    return otherwise;
  }
  static int quad_of(const std::byte* escape) noexcept {
    return bf16_12::escape_col(bf16_12::load_word(escape)) / bf16_12::kQuadCols;
  }

  const std::byte* strip_;
  const std::byte* escape_;
  int row_;
};

void unpack_row(float* out, const std::byte* strip, int row, int cols) noexcept {
  Row weights(strip, row);
  for (int k = 0; k < cols; ++k) out[k] = weights.weight(k);
}

constexpr int kColumnBlock = 32;

/// One row times at most kColumnBlock columns.
void multiply_row(float* out, std::size_t out_stride, Row row, int cols, const Columns& x,
                  int first_column, int count) noexcept {
  const auto value = [&](int c, int k) {
    const std::byte* column = x.data + static_cast<std::size_t>(first_column + c) * x.stride;
    return reinterpret_cast<const float*>(column)[k];
  };
  float sum[kColumnBlock] = {};
  for (int k = 0; k < cols; ++k) {
    const float weight = row.weight(k);
    for (int c = 0; c < count; ++c) sum[c] = std::fma(weight, value(c, k), sum[c]);
  }
  for (int c = 0; c < count; ++c) {
    // The plain form's padding: it turns a sum of -0 into +0.
    if (cols % 2 != 0) sum[c] = std::fma(0.0F, value(c, cols), sum[c]);
    out[static_cast<std::size_t>(first_column + c) * out_stride] = sum[c];
  }
}

void matmul(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  for (int row = 0; row < w.count * kStripRows; ++row) {
    const std::byte* strip = w.data + static_cast<std::size_t>(row / kStripRows) * w.strip_bytes;
    for (int c = 0; c < x.count; c += kColumnBlock) {
      const int count = x.count - c < kColumnBlock ? x.count - c : kColumnBlock;
      multiply_row(out + row, out_stride, Row(strip, row % kStripRows), w.cols, x, c, count);
    }
  }
}

}  // namespace

void install_bf16_12(KernelTable& table) {
  table.bf16_12 = {InputLayout::f32, matmul, matmul, unpack_row};
}

}  // namespace gemma2::cpu::reference
