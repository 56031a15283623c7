// SPDX-License-Identifier: Apache-2.0
//
// Q8_0 in plain C++: the meaning of the packed frames and the order of the sums.
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/reference/lanes.h"

namespace gemma2::cpu::reference {
namespace {

const std::byte* frame_of(const std::byte* strip, int k) noexcept {
  return strip + static_cast<std::size_t>(k / kQ8FrameCols) * kQ8FrameBytes;
}

int weight(const std::byte* strip, int row, int k) noexcept {
  const std::byte* quad = frame_of(strip, k) + kQ8ScaleBytes + k % kQ8FrameCols / 4 * 64;
  return static_cast<int>(quad[4 * row + k % 4]) - 128;
}

float block_scale(const std::byte* strip, int row, int k) noexcept {
  std::uint16_t half = 0;
  std::memcpy(&half, frame_of(strip, k) + k % kQ8FrameCols / 32 * 32 + 2 * row, sizeof(half));
  return f16_to_f32(half);
}

float dot(const std::byte* strip, int row, const ActivationBlock* x, int cols) noexcept {
  float sum = 0;
  for (int k = 0; k < cols; k += 32) {
    const ActivationBlock& block = x[k / kActivationBlock];
    const int in_block = k % kActivationBlock;
    std::int32_t products = 0;
    for (int i = 0; i < 32; ++i) products += weight(strip, row, k + i) * block.value[in_block + i];
    const float scale = block_scale(strip, row, k) * block.scale[in_block / 32];
    sum = std::fma(static_cast<float>(products), scale, sum);
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
      for (int row = 0; row < kStripRows; ++row) to[row] = dot(strip, row, column, w.cols);
    }
  }
}

void unpack_row(float* out, const std::byte* strip, int row, int cols) noexcept {
  for (int k = 0; k < cols; ++k) {
    out[k] = block_scale(strip, row, k) * static_cast<float>(weight(strip, row, k));
  }
}

}  // namespace

void install_q8_0(KernelTable& table) {
  table.format[static_cast<int>(DType::q8_0)] = {InputLayout::q8, matmul,
                                                 FloatMatmul<Lanes, Q8Decoder>::matmul, unpack_row};
}

}  // namespace gemma2::cpu::reference
