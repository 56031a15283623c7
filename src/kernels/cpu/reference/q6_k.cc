// SPDX-License-Identifier: Apache-2.0
//
// Q6_K in plain C++: the meaning of the packed tiles and the order of the sums.
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/reference/lanes.h"

namespace gemma2::cpu::reference {
namespace {

/// One 256-column tile of a strip.
struct Tile {
  const std::byte* quarters;
  const std::byte* scales;  // d of the 16 rows

  Tile(const std::byte* strip, int cols, int block) noexcept
      : quarters(strip + q6_k_tiles_offset(cols) + static_cast<std::size_t>(block) * kQ6TileBytes),
        scales(strip + static_cast<std::size_t>(block) * 32) {}

  [[nodiscard]] float d(int row) const noexcept {
    std::uint16_t half = 0;
    std::memcpy(&half, scales + 2 * row, sizeof(half));
    return f16_to_f32(half);
  }
  [[nodiscard]] int sub_scale(int row, int k) const noexcept {
    const std::byte* quarter = quarters + static_cast<std::size_t>(k / 64) * kQ6QuarterBytes;
    return static_cast<std::int8_t>(quarter[k % 64 / kQ6Group * 16 + row]);
  }
  /// -32 .. 31
  [[nodiscard]] int weight(int row, int k) const noexcept {
    const std::byte* group = quarters + static_cast<std::size_t>(k / 64) * kQ6QuarterBytes + 64 +
                             static_cast<std::size_t>(k % 64 / kQ6Group) * kQ6GroupBytes;
    const int quad = k % kQ6Group / 4;
    const int at = 4 * row + k % 4;
    if (quad < 3) return static_cast<int>(group[64 * quad + at] & std::byte{63}) - 32;
    int six = 0;
    for (int plane = 0; plane < 3; ++plane)
      six = six << 2 | static_cast<int>(group[64 * plane + at]) >> 6;
    return six - 32;
  }
};

float tile_dot(const Tile& tile, int row, const ActivationBlock& x) noexcept {
  float sum = 0;
  for (int b = 0; b < 8; ++b) {
    std::int32_t scaled = 0;
    for (int k = 32 * b; k < 32 * b + 32; k += kQ6Group) {
      std::int32_t products = 0;
      for (int i = k; i < k + kQ6Group; ++i) products += tile.weight(row, i) * x.value[i];
      scaled += tile.sub_scale(row, k) * products;
    }
    sum = std::fma(static_cast<float>(scaled), x.scale[b], sum);
  }
  return sum;
}

void matmul(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  for (int s = 0; s < w.count; ++s) {
    const std::byte* strip = w.data + static_cast<std::size_t>(s) * w.strip_bytes;
    for (int c = 0; c < x.count; ++c) {
      const auto* column =
          reinterpret_cast<const ActivationBlock*>(x.data + static_cast<std::size_t>(c) * x.stride);
      float* to = out + static_cast<std::size_t>(c) * out_stride + 16 * static_cast<std::size_t>(s);
      for (int row = 0; row < kStripRows; ++row) {
        float sum = 0;
        for (int block = 0; block < w.cols / kQ6Block; ++block) {
          const Tile tile(strip, w.cols, block);
          sum = std::fma(tile.d(row), tile_dot(tile, row, column[block]), sum);
        }
        to[row] = sum;
      }
    }
  }
}

void unpack_row(float* out, const std::byte* strip, int row, int cols) noexcept {
  for (int block = 0; block < cols / kQ6Block; ++block) {
    const Tile tile(strip, cols, block);
    for (int k = 0; k < kQ6Block; ++k) {
      const float scale = tile.d(row) * static_cast<float>(tile.sub_scale(row, k));
      out[kQ6Block * block + k] = scale * static_cast<float>(tile.weight(row, k));
    }
  }
}

}  // namespace

void install_q6_k(KernelTable& table) {
  table.format[static_cast<int>(DType::q6_k)] = {InputLayout::q8, matmul,
                                                 FloatMatmul<Lanes, Q6Decoder>::matmul, unpack_row};
}

}  // namespace gemma2::cpu::reference
