// SPDX-License-Identifier: Apache-2.0
#include "weight_pool.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "quant/bf16_12.h"
#include "quant/formats.h"
#include "quant/packed_strips.h"

namespace gemma2::bench {
namespace {

constexpr int kDifferentStrips = 8;  // encoded for real; the pool repeats them

struct PackedStrips {
  AlignedBuffer strips;
  std::size_t strip_bytes;
};

PackedStrips pack(const TensorView& view, bool twelve_bits) {
  std::size_t bytes = format_of(view.type).strip_bytes(view.cols);
  if (twelve_bits) {
    int escapes = 0;
    for (int strip = 0; strip < kDifferentStrips; ++strip) {
      escapes = std::max(escapes, bf16_12::count_escapes(view, strip * kStripRows));
    }
    bytes = bf16_12::strip_bytes(view.cols, escapes);
  }
  PackedStrips result = {AlignedBuffer(kDifferentStrips * bytes), bytes};
  for (int strip = 0; strip < kDifferentStrips; ++strip) {
    std::byte* to = result.strips.data() + static_cast<std::size_t>(strip) * bytes;
    if (twelve_bits) {
      bf16_12::pack_strip(to, bytes, view, strip * kStripRows);
    } else {
      format_of(view.type).pack_strip(to, view, strip * kStripRows);
    }
  }
  return result;
}

/// Packed strips of random rows, of the size that a trained matrix has.
PackedStrips random_strips(const Format& format, bool twelve_bits, int cols) {
  constexpr int rows = kDifferentStrips * kStripRows;
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same weights in every run
  std::normal_distribution<float> weight(0.0F, 0.02F);
  std::vector<float> values(static_cast<std::size_t>(cols));
  std::vector<std::byte> stored(rows * row_bytes(format, cols));
  for (int row = 0; row < rows; ++row) {
    for (float& value : values) value = weight(random);
    format.encode_row(stored.data() + static_cast<std::size_t>(row) * row_bytes(format, cols),
                      values.data(), cols);
  }
  return pack({format.type, rows, cols, stored.data()}, twelve_bits);
}

}  // namespace

WeightPool::WeightPool(DType type, bool twelve_bits, int rows, int cols)
    : type_(type), twelve_bits_(twelve_bits), rows_(rows), cols_(cols) {
  const PackedStrips packed = random_strips(format_of(type), twelve_bits, cols);
  const AlignedBuffer& strips = packed.strips;
  strip_bytes_ = packed.strip_bytes;
  matrix_bytes_ = static_cast<std::size_t>(rows / kStripRows) * strip_bytes_;
  matrices_ = (kBytes + matrix_bytes_ - 1) / matrix_bytes_;
  buffer_ = AlignedBuffer(matrices_ * matrix_bytes_);
  for (std::size_t at = 0; at < buffer_.size(); at += strips.size()) {
    std::memcpy(buffer_.data() + at, strips.data(), std::min(strips.size(), buffer_.size() - at));
  }
}

cpu::Strips WeightPool::next() noexcept {
  const std::byte* matrix = buffer_.data() + turn_ * matrix_bytes_;
  turn_ = (turn_ + 1) % matrices_;
  return {matrix, rows_ / kStripRows, cols_, strip_bytes_};
}

}  // namespace gemma2::bench
