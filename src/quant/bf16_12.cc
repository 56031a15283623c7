// SPDX-License-Identifier: Apache-2.0
#include "quant/bf16_12.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "quant/strip_words.h"

namespace gemma2::bf16_12 {
namespace {

constexpr int kByteValues = 256;
constexpr std::uint8_t kNoIndex = 0xFF;

using Histogram = std::array<std::uint32_t, kByteValues>;

// Reads in place: files keep their tensors at least 32-byte aligned, but nobody checks that.
std::uint16_t weight_at(const std::byte* row, int k) noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, row + static_cast<std::size_t>(k) * 2, 2);
  return value;
}

const std::byte* stored_row(const TensorView& stored, int row) noexcept {
  return stored.data + static_cast<std::size_t>(row) * static_cast<std::size_t>(stored.cols) * 2;
}

Histogram upper_bytes(const TensorView& stored, int first) noexcept {
  // Two sums, because a byte that follows its equal would wait for the count just stored.
  Histogram even{};
  Histogram odd{};
  const int rows = rows_of_strip(stored, first);
  for (int row = 0; row < rows; ++row) {
    const std::byte* weights = stored_row(stored, first + row);
    int k = 0;
    for (; k + 1 < stored.cols; k += 2) {
      ++even[weight_at(weights, k) >> 8];
      ++odd[weight_at(weights, k + 1) >> 8];
    }
    if (k < stored.cols) ++even[weight_at(weights, k) >> 8];
  }
  for (std::size_t i = 0; i < even.size(); ++i) even[i] += odd[i];
  even[0] +=
      static_cast<std::uint32_t>(kStripRows - rows) * static_cast<std::uint32_t>(stored.cols);
  return even;
}

/// The sixteen commonest bytes, of equally common ones the lowest.
std::array<std::uint8_t, kTableBytes> commonest(const Histogram& counts) noexcept {
  std::array<std::uint8_t, kByteValues> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  std::array<std::uint8_t, kTableBytes> table{};
  std::partial_sort_copy(bytes.begin(), bytes.end(), table.begin(), table.end(),
                         [&](std::uint8_t a, std::uint8_t b) {
                           return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
                         });
  return table;
}

class Packer {
 public:
  Packer(std::byte* strip, std::size_t bytes, const TensorView& stored, int first) noexcept
      : stored_(stored),
        first_(first),
        rows_(rows_of_strip(stored, first)),
        strip_(strip),
        quads_(strip + (bytes - quads_bytes(stored.cols))) {
    const auto table = commonest(upper_bytes(stored, first));
    std::memcpy(strip, table.data(), table.size());
    index_.fill(kNoIndex);
    for (std::size_t i = 0; i < table.size(); ++i) index_[table[i]] = static_cast<std::uint8_t>(i);
  }

  void pack() noexcept {
    store_word(kTableBytes, static_cast<std::uint32_t>(quads_ - strip_));
    std::memset(quads_, 0, quads_bytes(stored_.cols));
    for (int k = 0; k < stored_.cols; k += kQuadCols) {
      std::byte* quad = quads_ + static_cast<std::size_t>(k / kQuadCols) * kQuadBytes;
      for (int row = 0; row < kStripRows; ++row) pack_row(quad, row, k);
    }
    store_word(kTableBytes + 4, escapes_);
    store_word(kEscapesAt + 4 * static_cast<std::size_t>(escapes_), kNoEscape);
  }

 private:
  void pack_row(std::byte* quad, int row, int first_k) noexcept {
    std::array<std::uint16_t, kQuadCols> weights{};  // rows past the end are zeros
    const int count = std::min(kQuadCols, stored_.cols - first_k);
    if (row < rows_) {
      std::memcpy(weights.data(),
                  stored_row(stored_, first_ + row) + static_cast<std::size_t>(first_k) * 2,
                  static_cast<std::size_t>(count) * 2);
    }
    for (int i = 0; i < count; ++i) {
      const std::uint16_t weight = weights[static_cast<std::size_t>(i)];
      const std::size_t place = place_in_quad(row, i);
      quad[place] = static_cast<std::byte>(weight);
      std::uint8_t index = index_[weight >> 8];
      if (index == kNoIndex) {
        index = 0;
        add_escape(static_cast<std::uint32_t>(first_k + i) << 12 |
                   static_cast<std::uint32_t>(row) << 8 | static_cast<std::uint32_t>(weight >> 8));
      }
      constexpr std::size_t kIndexBytes = kLowerBytes / 2;
      quad[kLowerBytes + place % kIndexBytes] |=
          static_cast<std::byte>(place < kIndexBytes ? index : index << 4);
    }
  }

  void add_escape(std::uint32_t escape) noexcept {
    store_word(kEscapesAt + 4 * static_cast<std::size_t>(escapes_), escape);
    ++escapes_;
  }
  void store_word(std::size_t at, std::uint32_t word) noexcept {
    std::memcpy(strip_ + at, &word, sizeof(word));
  }

  const TensorView& stored_;
  int first_;
  int rows_;
  std::byte* strip_;
  std::byte* quads_;
  std::uint32_t escapes_ = 0;
  std::array<std::uint8_t, kByteValues> index_{};
};

}  // namespace

int count_escapes(const TensorView& stored, int first) noexcept {
  const Histogram counts = upper_bytes(stored, first);
  auto rest = static_cast<std::uint32_t>(kStripRows) * static_cast<std::uint32_t>(stored.cols);
  for (const std::uint8_t byte : commonest(counts)) rest -= counts[byte];
  return static_cast<int>(rest);
}

void pack_strip(std::byte* strip, std::size_t bytes, const TensorView& stored, int first) noexcept {
  Packer(strip, bytes, stored, first).pack();
}

}  // namespace gemma2::bf16_12
