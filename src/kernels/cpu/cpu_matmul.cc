// SPDX-License-Identifier: Apache-2.0
//
// Products: activations are converted once to what the kernels read, then threads claim blocks of
// strips. A block of strips times a block of columns stays in the second-level cache.
#include <algorithm>
#include <cstring>

#include "checked_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "quant/formats.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu {
namespace {

// Columns that pass over a strip together: enough to make unpacking cheap, few enough that 256 k of
// them, in any layout, stay in the second-level cache (128 KB of float).
constexpr int kColumnBlock = 128;
constexpr int kStripBlock =
    8;                     // strips that meet a block of columns: 8 of 2304 k are 240 KB of Q6_K
constexpr int kClaim = 4;  // least strips a thread claims: enough chains for one BF16 column

Columns slice(const Columns& columns, int first, int count) noexcept {
  return {columns.data + static_cast<std::size_t>(first) * columns.stride, count, columns.stride};
}

Strips slice(const Strips& strips, int first, int count) noexcept {
  return {strips.data + static_cast<std::size_t>(first) * strips.strip_bytes, count, strips.cols,
          strips.strip_bytes};
}

}  // namespace

Columns CpuBackend::convert(Rows x, InputLayout layout) {
  if (layout == InputLayout::f32) {
    return {reinterpret_cast<const std::byte*>(x.data), x.rows,
            static_cast<std::size_t>(x.stride) * sizeof(float)};
  }
  const bool is_bf16 = layout == InputLayout::bf16;
  const auto stride = static_cast<std::size_t>(x.stride);
  const std::size_t bytes = is_bf16 ? stride * sizeof(std::uint16_t)
                                    : stride / kActivationBlock * sizeof(ActivationBlock);
  AlignedBuffer& buffer = converted_[is_bf16 ? 0 : 1];
  const std::size_t needed = bytes * static_cast<std::size_t>(x.rows);
  if (buffer.size() < needed) buffer = AlignedBuffer(needed);
  for_each_row(x.rows, [&](int row) {
    std::byte* to = buffer.data() + static_cast<std::size_t>(row) * bytes;
    if (is_bf16) {
      table_.to_bf16(reinterpret_cast<std::uint16_t*>(to), x.row(row), x.stride);
    } else {
      table_.quantize_q8(reinterpret_cast<ActivationBlock*>(to), x.row(row), x.stride);
    }
  });
  return {buffer.data(), x.rows, bytes};
}

CpuBackend::Product CpuBackend::prepare(const Weight& weight, Rows x) {
  const FormatKernels& kernels = table_.format[static_cast<int>(weight.type)];
  const InputLayout layout = options_.precise ? InputLayout::f32 : kernels.input;
  return {options_.precise ? kernels.matmul_f32 : kernels.matmul,
          {weight.data, ceil_div(weight.rows, kStripRows), weight.cols,
           format_of(weight.type).strip_bytes(weight.cols)},
          weight.rows,
          convert(x, layout)};
}

void CpuBackend::run_product(const Product& product, int first_strip, int last_strip, float* out,
                             std::size_t out_stride) noexcept {
  for (int strip = first_strip; strip < last_strip;) {
    // One column streams through its strips; many use a block of strips while it is in the cache.
    const bool streams = product.columns.count <= kColumnBlock;
    const int end = streams ? last_strip : std::min(strip + kStripBlock, last_strip);
    for (int c = 0; c < product.columns.count; c += kColumnBlock) {
      const int count = std::min(kColumnBlock, product.columns.count - c);
      run_block(product, strip, end, slice(product.columns, c, count),
                out + static_cast<std::size_t>(c) * out_stride, out_stride);
    }
    strip = end;
  }
}

void CpuBackend::run_block(const Product& product, int first_strip, int last_strip,
                           const Columns& columns, float* out, std::size_t out_stride) noexcept {
  const int whole = std::min(last_strip, product.rows / kStripRows);
  if (first_strip < whole) {
    product.entry(out + first_strip * kStripRows, out_stride,
                  slice(product.strips, first_strip, whole - first_strip), columns);
  }
  if (whole == last_strip) return;
  // A last strip of fewer than 16 rows must not write over what stands behind them.
  float rest[kColumnBlock * kStripRows];
  product.entry(rest, kStripRows, slice(product.strips, whole, 1), columns);
  const auto bytes = static_cast<std::size_t>(product.rows % kStripRows) * sizeof(float);
  for (int i = 0; i < columns.count; ++i) {
    std::memcpy(out + static_cast<std::size_t>(i) * out_stride + whole * kStripRows,
                rest + i * kStripRows, bytes);
  }
}

void CpuBackend::run_products(std::span<const Product> products, Rows out) {
  int total = 0;
  for (const Product& product : products) total += product.strips.count;
  pool_.parallel_for(total, kClaim, [&](int first, int last) {
    int base = 0;    // strips of the products before
    int offset = 0;  // their outputs
    for (const Product& product : products) {
      const int begin = std::max(first - base, 0);
      const int end = std::min(last - base, product.strips.count);
      if (begin < end) {
        run_product(product, begin, end, out.data + offset, static_cast<std::size_t>(out.stride));
      }
      base += product.strips.count;
      offset += product.rows;
    }
  });
}

void CpuBackend::matmul(Rows out, Rows x, std::span<const Weight> stacked) {
  constexpr std::size_t kMaxStacked = 3;
  Product products[kMaxStacked];
  std::size_t count = 0;
  for (const Weight& weight : stacked.first(std::min(stacked.size(), kMaxStacked))) {
    products[count] = prepare(weight, x);
    ++count;
  }
  run_products(std::span(products, count), out);
}

void CpuBackend::matmul_geglu(Rows out, Rows x, const Weight& gate, const Weight& up) {
  const Product gates = prepare(gate, x);
  const Product ups = prepare(up, x);
  const int blocks = ceil_div(gates.strips.count, kClaim);
  pool_.parallel_for(blocks, 1, [&](int first, int last) {
    constexpr int kWidth = kClaim * kStripRows;
    float gated[kColumnBlock * kWidth];
    float upped[kColumnBlock * kWidth];
    for (int block = first; block < last; ++block) {
      const int strip = block * kClaim;
      const int strips = std::min(kClaim, gates.strips.count - strip);
      const int rows = std::min(kWidth, gates.rows - strip * kStripRows);
      for (int c = 0; c < x.rows; c += kColumnBlock) {
        const int count = std::min(kColumnBlock, x.rows - c);
        gates.entry(gated, kWidth, slice(gates.strips, strip, strips),
                    slice(gates.columns, c, count));
        ups.entry(upped, kWidth, slice(ups.strips, strip, strips), slice(ups.columns, c, count));
        for (int i = 0; i < count; ++i) {
          table_.geglu(out.row(c + i) + strip * kStripRows, gated + i * kWidth, upped + i * kWidth,
                       rows);
        }
      }
    }
  });
}

}  // namespace gemma2::cpu
