// SPDX-License-Identifier: Apache-2.0
//
// Products: threads take runs of packed strips. A run of strips times a block of columns stays in
// the second-level cache.
#include <algorithm>
#include <cstring>
#include <memory>

#include "checked_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu {
namespace {

// Columns that pass over a strip together: enough to make unpacking cheap, few enough that 256 k of
// them, in any layout, stay in the second-level cache (128 KB of float).
constexpr int kColumnBlock = 128;
constexpr int kStripBlock =
    8;                     // strips that meet a block of columns: 8 of 2304 k are 240 KB of Q6_K
constexpr int kClaim = 4;  // least strips a thread claims: enough chains for one BF16 column

// Of a product of so few columns reading the weights is what takes the time, so a thread that waits
// for others asks for the first of its next weights, as much as a second-level cache has room for.
constexpr int kPrefetchColumns = 16;
constexpr std::size_t kPrefetchBytes = std::size_t{128} << 10;

Columns slice(const Columns& columns, int first, int count) noexcept {
  return {columns.data + static_cast<std::size_t>(first) * columns.stride, count, columns.stride};
}

Strips slice(const Strips& strips, int first, int count) noexcept {
  return {strips.data + static_cast<std::size_t>(first) * strips.strip_bytes, count, strips.cols,
          strips.strip_bytes};
}

}  // namespace

void CpuBackend::prefetch(const Strips& strips, const std::function<bool()>& wanted) {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kLinesBetweenLooks = 16;
  const std::size_t bytes =
      std::min(kPrefetchBytes, static_cast<std::size_t>(strips.count) * strips.strip_bytes);
  for (std::size_t line = 0; line < bytes / kLine; ++line) {
    if (line % kLinesBetweenLooks == 0 && !wanted()) return;
    __builtin_prefetch(strips.data + line * kLine, 0, 2);
  }
}

CpuBackend::Product CpuBackend::prepare(const Weight& weight, Rows x) {
  return product_of(
      weight, make_input(x, options_.precise ? InputLayout::f32 : weight_kernels(weight).input));
}

CpuBackend::Product CpuBackend::product_of(const Weight& weight, const Input& input) const {
  const FormatKernels& kernels = weight_kernels(weight);
  return {options_.precise ? kernels.matmul_f32 : kernels.matmul,
          {weight.data, ceil_div(weight.rows, kStripRows), weight.cols, weight.strip_bytes},
          weight.rows,
          input};
}

int CpuBackend::ProductStack::strips() const noexcept {
  int total = 0;
  for (std::size_t i = 0; i < count; ++i) total += product[i].strips.count;
  return total;
}

void CpuBackend::run_product(const Product& product, int first_strip, int last_strip,
                             const Columns& columns, float* out, std::size_t out_stride) noexcept {
  for (int strip = first_strip; strip < last_strip;) {
    // A few columns stream through their strips; many use strips while they are in the cache.
    const bool streams = columns.count <= kColumnBlock;
    const int end = streams ? last_strip : std::min(strip + kStripBlock, last_strip);
    for (int c = 0; c < columns.count; c += kColumnBlock) {
      const int count = std::min(kColumnBlock, columns.count - c);
      run_block(product, strip, end, slice(columns, c, count),
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

/// Strips [first, last) of the stacked weights, counted through.
void CpuBackend::run_stack(const ProductStack& stack, Rows out, int first, int last,
                           int thread) noexcept {
  int base = 0;    // strips of the products before
  int offset = 0;  // their outputs
  for (std::size_t i = 0; i < stack.count; ++i) {
    const Product& product = stack.product[i];
    const int begin = std::max(first - base, 0);
    const int end = std::min(last - base, product.strips.count);
    if (begin < end) {
      const Columns& x = columns(product.input, thread, i == 0 && begin == 0);
      run_product(product, begin, end, x, out.data + offset, static_cast<std::size_t>(out.stride));
    }
    base += product.strips.count;
    offset += product.rows;
  }
}

void CpuBackend::matmul(Rows out, Rows x, std::span<const Weight> stacked) {
  const auto stack = std::make_shared<ProductStack>();
  for (const Weight& weight : stacked.first(std::min(stacked.size(), kMaxStacked))) {
    stack->product[stack->count] = prepare(weight, x);
    ++stack->count;
  }
  consume_pending(x);
  Phase phase{stack->strips(), kClaim, [this, stack, out](int first, int last, int thread) {
                run_stack(*stack, out, first, last, thread);
              }};
  if (x.rows <= kPrefetchColumns) {
    phase.prefetch = [stack](int first, int last, const std::function<bool()>& wanted) {
      int base = 0;
      for (std::size_t i = 0; i < stack->count; ++i) {
        const Strips& strips = stack->product[i].strips;
        const int begin = std::max(first - base, 0);
        if (begin < std::min(last - base, strips.count)) {
          return prefetch(slice(strips, begin, strips.count - begin), wanted);
        }
        base += strips.count;
      }
    };
  }
  enqueue(std::move(phase));
}

/// Strips of block `block` of both weights times all columns, gelu(gate) * up.
void CpuBackend::run_geglu(const Product& gate, const Product& up, Rows out, int block,
                           int thread) noexcept {
  constexpr int kWidth = kClaim * kStripRows;
  float gated[kColumnBlock * kWidth];
  float upped[kColumnBlock * kWidth];
  const int strip = block * kClaim;
  const int strips = std::min(kClaim, gate.strips.count - strip);
  const int rows = std::min(kWidth, gate.rows - strip * kStripRows);
  const int total = out.rows;
  for (int c = 0; c < total; c += kColumnBlock) {
    const int count = std::min(kColumnBlock, total - c);
    gate.entry(gated, kWidth, slice(gate.strips, strip, strips),
               slice(columns(gate.input, thread, block == 0), c, count));
    up.entry(upped, kWidth, slice(up.strips, strip, strips),
             slice(columns(up.input, thread, false), c, count));
    for (int i = 0; i < count; ++i) {
      table_.geglu(out.row(c + i) + strip * kStripRows, gated + i * kWidth, upped + i * kWidth,
                   rows);
    }
  }
}

void CpuBackend::matmul_geglu(Rows out, Rows x, const Weight& gate, const Weight& up) {
  struct Pair {
    Product gate;
    Product up;
  };
  const auto pair = std::make_shared<Pair>();
  pair->gate = prepare(gate, x);
  // One of two BF16 matrices may lie in 12 bits: an entry of its own, but the same input.
  pair->up = gate.type == up.type ? product_of(up, pair->gate.input) : prepare(up, x);
  consume_pending(x);
  Phase phase{ceil_div(pair->gate.strips.count, kClaim), 1,
              [this, pair, out](int first, int last, int thread) {
                for (int block = first; block < last; ++block) {
                  run_geglu(pair->gate, pair->up, out, block, thread);
                }
              }};
  if (x.rows <= kPrefetchColumns) {
    phase.prefetch = [pair](int first, int, const std::function<bool()>& wanted) {
      const int strip = first * kClaim;
      const int strips = std::min(kClaim, pair->gate.strips.count - strip);
      prefetch(slice(pair->gate.strips, strip, strips), wanted);
      prefetch(slice(pair->up.strips, strip, strips), wanted);
    };
  }
  enqueue(std::move(phase));
}

}  // namespace gemma2::cpu
