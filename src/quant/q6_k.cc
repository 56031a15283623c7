// SPDX-License-Identifier: Apache-2.0
//
// Decoding and packing; the search for scales is in q6_k_encode.cc.
#include "quant/q6_k.h"

#include <cstdint>
#include <cstring>

#include "quant/f16.h"
#include "quant/strip_words.h"

namespace gemma2::q6_k {
namespace {

constexpr int kHalf = 128;  // weights that share a run of 64 low and 32 high bytes
constexpr std::uint32_t kLow = 0x0f0f0f0fu;
constexpr std::uint32_t kPairs = 0x03030303u;

std::uint32_t load_word(const std::byte* from) noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, from, 4);
  return word;
}

void store_word(std::byte* to, std::uint32_t word) noexcept {
  std::memcpy(to, &word, 4);
}

float load_half(const std::byte* from) noexcept {
  std::uint16_t half = 0;
  std::memcpy(&half, from, 2);
  return f16_to_f32(half);
}

void decode_block(float* out, const std::byte* block) noexcept {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(block);
  const float delta = load_half(block + kDeltaOffset);
  for (int i = 0; i < kBlock; ++i) {
    const int half = i / kHalf;
    const int e = i % kHalf;
    const int low = bytes[64 * half + e % 64] >> (4 * (e / 64)) & 15;
    const int high =
        bytes[kHighOffset + static_cast<std::size_t>(32 * half + e % 32)] >> (2 * (e / 32)) & 3;
    const auto scale =
        static_cast<std::int8_t>(bytes[kScalesOffset + static_cast<std::size_t>(i / kSubBlock)]);
    out[i] = delta * static_cast<float>(scale) * static_cast<float>((low | high << 4) - 32);
  }
}

// One row of one group of 16: four quads of low nibbles and of high bits, moved from where the
// stored block keeps them (`low_shift` 0 or 4, `high_shift` 0 2 4 6) to their packed places. Words
// hold four weights; nothing crosses a byte because shifts down are followed by a mask and shifts
// up preceded by one.
void pack_group(std::byte* group, const std::byte* low, int low_shift, const std::byte* high,
                int high_shift) noexcept {
  std::uint32_t six[4];
  for (int quad = 0; quad < 4; ++quad) {
    six[quad] = (load_word(low + quad * 4) >> low_shift & kLow) |
                (load_word(high + quad * 4) >> high_shift & kPairs) << 4;
  }
  for (int plane = 0; plane < 3; ++plane) {
    const std::uint32_t pairs = six[3] >> (4 - 2 * plane) & kPairs;
    store_word(group + 64 * plane, six[plane] | pairs << 6);
  }
}

// One stored block of one row -> its lane in a tile; `tile` points at the row's lane.
void pack_block(std::byte* tile, int row, const std::byte* block) noexcept {
  for (int quarter = 0; quarter < 4; ++quarter) {
    std::byte* packed = tile + static_cast<std::size_t>(quarter) * kQ6QuarterBytes;
    const int half = quarter / 2;
    for (int group = 0; group < 4; ++group) {
      const int e = (quarter % 2) * 64 + group * kQ6Group;  // first weight within its half
      packed[group * kStripRows + row] =
          block[kScalesOffset + static_cast<std::size_t>(4 * quarter + group)];
      pack_group(packed + 64 + static_cast<std::size_t>(group) * kQ6GroupBytes + row * 4,
                 block + 64 * half + e % 64, 4 * (e / 64), block + kHighOffset + 32 * half + e % 32,
                 2 * (e / 32));
    }
  }
}

// Weights of 0 (six-bit 32) under a scale of 0: exact positive zeros.
constexpr struct ZeroBlock {
  std::byte bytes[kBlockBytes] = {};
  constexpr ZeroBlock() {
    for (std::size_t i = kHighOffset; i < kScalesOffset; ++i) bytes[i] = std::byte{0xaa};
  }
} kZeroBlock;

}  // namespace

void decode_row(float* out, const std::byte* row, int cols) noexcept {
  for (int begin = 0; begin < cols; begin += kBlock, row += kBlockBytes) {
    decode_block(out + begin, row);
  }
}

std::size_t strip_bytes(int cols) noexcept {
  return q6_k_tiles_offset(cols) + static_cast<std::size_t>(cols / kBlock) * kQ6TileBytes;
}

void pack_strip(std::byte* strip, const TensorView& stored, int first) noexcept {
  const std::size_t blocks = static_cast<std::size_t>(stored.cols / kBlock);
  const std::size_t stride = blocks * kBlockBytes;
  const std::byte* from = stored.data + static_cast<std::size_t>(first) * stride;
  const int rows = rows_of_strip(stored, first);
  std::byte* tiles = strip + q6_k_tiles_offset(stored.cols);
  std::memset(strip, 0, q6_k_tiles_offset(stored.cols));
  for (std::size_t b = 0; b < blocks; ++b) {
    for (int row = 0; row < kStripRows; ++row) {
      const std::byte* block = row < rows
                                   ? from + static_cast<std::size_t>(row) * stride + b * kBlockBytes
                                   : kZeroBlock.bytes;
      std::memcpy(strip + (b * kStripRows + static_cast<std::size_t>(row)) * 2,
                  block + kDeltaOffset, 2);
      pack_block(tiles + b * kQ6TileBytes, row, block);
    }
  }
}

}  // namespace gemma2::q6_k
