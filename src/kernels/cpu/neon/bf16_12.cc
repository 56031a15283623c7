// SPDX-License-Identifier: Apache-2.0
//
// BF16 in 12 bits. For 16 weights: a table look-up finds their upper bytes, two zips join them with
// the lower ones.
#include "kernels/cpu/bf16_12_matmul.h"
#include "kernels/cpu/neon/lanes.h"

namespace gemma2::cpu::neon {
namespace {

struct Quad {
  using Bits = neon::Bits;

  [[gnu::always_inline]] static uint8x16_t load(const std::byte* from) noexcept {
    return vld1q_u8(reinterpret_cast<const std::uint8_t*>(from));
  }
  [[gnu::always_inline]] static void decode(Bits (&pairs)[2], const std::byte* quad,
                                            const std::byte* table) noexcept {
    const uint8x16_t upper_bytes = load(table);
    for (int r = 0; r < 4; ++r) {
      const uint8x16_t both = load(quad + bf16_12::kLowerBytes + 16 * (r % 2));
      const uint8x16_t indices = r < 2 ? vandq_u8(both, vdupq_n_u8(15)) : vshrq_n_u8(both, 4);
      const uint8x16_t upper = vqtbl1q_u8(upper_bytes, indices);
      const uint8x16_t lower = load(quad + 16 * r);
      pairs[0].v[r] = vreinterpretq_u32_u8(vzip1q_u8(lower, upper));
      pairs[1].v[r] = vreinterpretq_u32_u8(vzip2q_u8(lower, upper));
    }
  }
  static void store(std::byte* to, Bits pairs) noexcept {
    for (int r = 0; r < 4; ++r) {
      vst1q_u32(reinterpret_cast<std::uint32_t*>(to + 16 * r), pairs.v[r]);
    }
  }
};

}  // namespace

void install_bf16_12(KernelTable& table) {
  FormatKernels& kernels = table.bf16_12;
  kernels.matmul = kernels.matmul_f32 = TwelveBitMatmul<Lanes, Quad, 1, 4, 2, 4>::matmul;
}

}  // namespace gemma2::cpu::neon
