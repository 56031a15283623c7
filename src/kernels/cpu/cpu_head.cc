// SPDX-License-Identifier: Apache-2.0
//
// The head: final norm, the product with the embedding, soft cap, and what is wanted of it. Threads
// take blocks of strips, and a block's logits are finished on the stack in one go: capped and
// written where the caller wants them, or compared and forgotten if only the best token matters.
// Strips in which no row of the step allows a token are neither computed nor read.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "checked_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu {
namespace {

constexpr int kBlockStrips = 4;    // least that a thread takes
constexpr int kBlockColumns = 64;  // with 64 rows of a block: 16 KB of raw logits
constexpr int kBlockRows = kBlockStrips * kStripRows;
constexpr float kBanned = -std::numeric_limits<float>::infinity();

}  // namespace

/// What 8 bits leave of a row: x minus what its blocks stand for. Exact in float64.
void CpuBackend::subtract_quantized(float* rest, const float* x, int n) const noexcept {
  ActivationBlock block;
  for (int first = 0; first < n; first += kActivationBlock) {
    table_.quantize_q8(&block, x + first, kActivationBlock);
    for (int i = 0; i < kActivationBlock; ++i) {
      const double quantized = static_cast<double>(block.scale[i / 32]) * block.value[i];
      rest[first + i] = static_cast<float>(x[first + i] - quantized);
    }
  }
}

/// The output rows, normed; if `twice`, each is followed by what 8 bits leave of it.
Rows CpuBackend::norm_outputs(Rows x, const Weight& final_norm, bool twice) {
  const int count = static_cast<int>(step_.output_rows.size());
  const int parts = twice ? 2 : 1;
  Rows normed{nullptr, parts * count, x.cols, x.stride};
  const std::size_t bytes = static_cast<std::size_t>(normed.rows) *
                            static_cast<std::size_t>(normed.stride) * sizeof(float);
  if (final_rows_.size() < bytes) final_rows_ = AlignedBuffer(bytes);
  normed.data = final_rows_.as<float>();
  const auto* factors = reinterpret_cast<const float*>(final_norm.data);
  enqueue_rows(count, [this, x, normed, factors, parts](int i) {
    float* row = normed.row(parts * i);
    table_.rms_norm(row, x.row(step_.output_rows[static_cast<std::size_t>(i)].row), factors, x.cols,
                    config_.rms_norm_eps);
    std::fill(row + x.cols, row + x.stride, 0.0F);
    if (parts == 2) subtract_quantized(normed.row(2 * i + 1), row, x.stride);
  });
  return normed;
}

/// Lists the strips that some row of the step allows a token of. Returns false if that is all.
bool CpuBackend::select_strips(int count) {
  static_assert(64 % kStripRows == 0);
  constexpr int kWordStrips = 64 / kStripRows;
  wanted_strips_.clear();
  for (const OutputRow& output : step_.output_rows) {
    if (output.allowed.empty()) return false;
  }
  for (int strip = 0; strip < count; ++strip) {
    std::uint64_t word = 0;
    for (const OutputRow& output : step_.output_rows) {
      word |= output.allowed[static_cast<std::size_t>(strip / kWordStrips)];
    }
    const std::uint64_t tokens = word >> (strip % kWordStrips * kStripRows);
    if ((tokens & ((1U << kStripRows) - 1)) != 0) wanted_strips_.push_back(strip);
  }
  return static_cast<int>(wanted_strips_.size()) < count;
}

/// Before a product of selected strips: what it does not write is banned.
void CpuBackend::ban_all(int vocab_size) {
  constexpr int kPiece = 4096;
  for (const OutputRow& output : step_.output_rows) {
    if (output.logits == nullptr) continue;
    enqueue({vocab_size, kPiece, [logits = output.logits](int first, int last, int) {
               std::fill(logits + first, logits + last, kBanned);
             }});
  }
}

void CpuBackend::logits(Rows x, const Weight& final_norm, const Weight& head) {
  // The head's rounding reaches the result undamped: in 8 bits it is a quarter of all that 8-bit
  // activations cost. So its activations have 16: each row twice, as 8 bits and as the 8 bits of
  // what these leave. Both share one reading of the weights, which is what takes the time.
  const bool twice = !options_.precise && weight_kernels(head).input == InputLayout::q8;
  settle_pending();
  const Rows normed = norm_outputs(x, final_norm, twice);
  const auto product = std::make_shared<Product>(prepare(head, normed));
  searches_.clear();
  for (std::size_t i = 0; i < step_.output_rows.size(); ++i) {
    searches_.emplace_back(config_.final_soft_cap);
  }
  selects_strips_ = select_strips(product->strips.count);
  if (selects_strips_) ban_all(head.rows);
  Phase phase{selects_strips_ ? static_cast<int>(wanted_strips_.size()) : product->strips.count,
              kBlockStrips, [this, product](int first, int last, int thread) {
                run_head(*product, first, last, thread);
              }};
  if (!selects_strips_) {
    phase.prefetch = [strips = product->strips](int first, int last,
                                                const std::function<bool()>& wanted) {
      prefetch({strips.data + static_cast<std::size_t>(first) * strips.strip_bytes, last - first,
                strips.cols, strips.strip_bytes},
               wanted);
    };
  }
  enqueue(std::move(phase));
  run_queue();
  for (std::size_t i = 0; i < step_.output_rows.size(); ++i) {
    const OutputRow& output = step_.output_rows[i];
    if (output.logits == nullptr) *output.best = searches_[i].result();
  }
}

int CpuBackend::strip_at(int index) const noexcept {
  return selects_strips_ ? wanted_strips_[static_cast<std::size_t>(index)] : index;
}

void CpuBackend::run_head(const Product& product, int first, int last, int thread) noexcept {
  const Columns& x = columns(product.input, thread, false);
  while (first < last) {
    int strips = 1;
    const int most = std::min(kBlockStrips, last - first);
    while (strips < most && strip_at(first + strips) == strip_at(first) + strips) ++strips;
    head_block(product, x, strip_at(first), strips);
    first += strips;
  }
}

/// All outputs' logits of at most kBlockStrips strips.
void CpuBackend::head_block(const Product& product, const Columns& columns, int first_strip,
                            int strips) noexcept {
  alignas(64) float raw[kBlockColumns * kBlockRows];
  const Strips weights = {
      product.strips.data + static_cast<std::size_t>(first_strip) * product.strips.strip_bytes,
      strips, product.strips.cols, product.strips.strip_bytes};
  const TokenId first = first_strip * kStripRows;
  const int tokens = std::min(strips * kStripRows, product.rows - first);
  const int outputs = static_cast<int>(step_.output_rows.size());
  const int parts = columns.count / outputs;
  const int at_once = kBlockColumns / parts;
  for (int begin = 0; begin < outputs; begin += at_once) {
    const int count = std::min(at_once, outputs - begin);
    product.entry(raw, kBlockRows, weights,
                  {columns.data + static_cast<std::size_t>(begin * parts) * columns.stride,
                   count * parts, columns.stride});
    for (int i = 0; i < count; ++i) {
      float* row = raw + i * parts * kBlockRows;
      for (int j = 0; parts == 2 && j < tokens; ++j) row[j] += row[kBlockRows + j];
      finish_output(static_cast<std::size_t>(begin + i), row, first, tokens);
    }
  }
}

void CpuBackend::finish_output(std::size_t output, float* raw, TokenId first, int count) noexcept {
  const OutputRow& wanted = step_.output_rows[output];
  if (wanted.logits == nullptr) {
    return searches_[output].add(table_, raw, count, first, wanted.allowed);
  }
  table_.soft_cap(raw, count, config_.final_soft_cap);
  for (int i = 0; !wanted.allowed.empty() && i < count; ++i) {
    if (!is_allowed(wanted.allowed, first + i)) raw[i] = kBanned;
  }
  std::memcpy(wanted.logits + first, raw, static_cast<std::size_t>(count) * sizeof(float));
}

}  // namespace gemma2::cpu
