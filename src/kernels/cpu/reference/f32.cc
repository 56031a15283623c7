// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/float_matmul.h"
#include "kernels/cpu/reference/lanes.h"

namespace gemma2::cpu::reference {
namespace {

void unpack_row(float* out, const std::byte* strip, int row, int cols) noexcept {
  const float* lane = reinterpret_cast<const float*>(strip) + row;
  for (int k = 0; k < cols; ++k) out[k] = lane[16 * static_cast<std::size_t>(k)];
}

}  // namespace

void install_f32(KernelTable& table) {
  constexpr auto kMatmul = FloatMatmul<Lanes, F32Decoder>::matmul;
  table.format[static_cast<int>(DType::f32)] = {InputLayout::f32, kMatmul, kMatmul, unpack_row};
}

}  // namespace gemma2::cpu::reference
