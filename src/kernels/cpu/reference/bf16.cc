// SPDX-License-Identifier: Apache-2.0
#include "quant/bf16.h"

#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/reference/lanes.h"

namespace gemma2::cpu::reference {
namespace {

void unpack_row(float* out, const std::byte* strip, int row, int cols) noexcept {
  const auto* pairs = reinterpret_cast<const std::uint16_t*>(strip) + 2 * row;
  for (int k = 0; k < cols; ++k) {
    out[k] =
        bf16_to_f32(pairs[32 * static_cast<std::size_t>(k / 2) + static_cast<std::size_t>(k % 2)]);
  }
}

}  // namespace

void install_bf16(KernelTable& table) {
  constexpr auto kMatmul = FloatMatmul<Lanes, Bf16Decoder>::matmul;
  table.format[static_cast<int>(DType::bf16)] = {InputLayout::f32, kMatmul, kMatmul, unpack_row};
}

}  // namespace gemma2::cpu::reference
