// SPDX-License-Identifier: Apache-2.0
#include "weight_pool.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "quant/formats.h"
#include "quant/packed_strips.h"

namespace gemma2::bench {
namespace {

constexpr int kDifferentStrips = 8;  // encoded for real; the pool repeats them

/// Packed strips of random rows, of the size that a trained matrix has.
AlignedBuffer random_strips(const Format& format, int cols) {
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
  AlignedBuffer result(kDifferentStrips * format.strip_bytes(cols));
  const TensorView view{format.type, rows, cols, stored.data()};
  for (int strip = 0; strip < kDifferentStrips; ++strip) {
    format.pack_strip(result.data() + static_cast<std::size_t>(strip) * format.strip_bytes(cols),
                      view, strip * kStripRows);
  }
  return result;
}

}  // namespace

WeightPool::WeightPool(DType type, int rows, int cols)
    : type_(type),
      rows_(rows),
      cols_(cols),
      strip_bytes_(format_of(type).strip_bytes(cols)),
      matrix_bytes_(static_cast<std::size_t>(rows / kStripRows) * strip_bytes_),
      matrices_((kBytes + matrix_bytes_ - 1) / matrix_bytes_),
      buffer_(matrices_ * matrix_bytes_) {
  const AlignedBuffer strips = random_strips(format_of(type), cols);
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
