// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_packing.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "check.h"
#include "checked_math.h"
#include "quant/bf16_12.h"
#include "quant/formats.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu {
namespace {

// More escapes than that may take longer than the bytes they save: a guess, not tuned.
constexpr std::int64_t kWeightsPerEscape = 4096;

struct EscapeCount {
  int most;  // in a strip
  std::int64_t all;
};

EscapeCount count_escapes(const TensorView& stored, ThreadPool& pool) {
  std::atomic<int> most = 0;
  std::atomic<std::int64_t> all = 0;
  pool.parallel_for(ceil_div(stored.rows, kStripRows), 4, [&](int first, int last) {
    for (int strip = first; strip < last; ++strip) {
      const int escapes = bf16_12::count_escapes(stored, strip * kStripRows);
      all += escapes;
      int seen = most;
      while (escapes > seen && !most.compare_exchange_weak(seen, escapes)) {
      }
    }
  });
  return {most, all};
}

}  // namespace

void PackedForm::pack_strip(std::byte* strip, const TensorView& stored, int first) const noexcept {
  if (twelve_bits) {
    bf16_12::pack_strip(strip, strip_bytes, stored, first);
  } else {
    format_of(stored.type).pack_strip(strip, stored, first);
  }
}

bool wants_twelve_bits(Bf16Packing packing, const KernelTable& table, bool precise) {
  const FormatKernels& plain = table.format[static_cast<int>(DType::bf16)];
  // Without a product of bfloat16 in 12 bits, the entry is that of another rounding.
  const bool same_bits = precise || table.bf16_12.input == plain.input;
  switch (packing) {
    case Bf16Packing::automatic:
      return same_bits && table.bf16_12_pays;
    case Bf16Packing::plain:
      return false;
    case Bf16Packing::twelve_bits:
      break;
  }
  require(
      same_bits, ErrorCode::unsupported,
      "bf16_packing: expected plain, or portable bits, because cpu/{} has no product of bfloat16 "
      "in 12 bits; found 12bit",
      table.name);
  return true;
}

PackedForm choose_form(const TensorView& stored, bool twelve_bits, ThreadPool& pool) {
  const std::size_t plain = format_of(stored.type).strip_bytes(stored.cols);
  if (twelve_bits && stored.type == DType::bf16 && stored.cols <= bf16_12::kMaxCols) {
    const EscapeCount escapes = count_escapes(stored, pool);
    const std::size_t bytes = bf16_12::strip_bytes(stored.cols, escapes.most);
    const std::int64_t weights = std::int64_t{stored.rows} * stored.cols;
    if (escapes.all * kWeightsPerEscape <= weights && bytes < plain) return {bytes, true};
  }
  return {plain, false};
}

}  // namespace gemma2::cpu
