// SPDX-License-Identifier: Apache-2.0
//
// Activations in 8 bits: what the Q6_K and Q8_0 kernels multiply with. One float scale for 32
// values (a whole-row or per-256 scale lets one outlier coarsen its neighbours, and the noise of
// int8 would no longer be small beside that of Q6_K). POD only.
//
// Rule of the quantizer, the same bits on every ISA:
//   amax  = largest |x| of the 32, compared as integers so that NaN wins
//   amax not finite: scale = NaN, values 0 (the NaN reaches the logits, where it is reported)
//   amax < 1e-30:    scale = 0, values 0
//   inverse = 127 / amax; scale = amax * (1 / 127); value = round to nearest even of x * inverse
//   If the 16 values of either half have sum |value| > 1023 (the larger of the two sums is L):
//   inverse *= 1007 / L, scale *= L / 1007, and the values are rounded again. Then every product
//   sum of 16 six-bit weights and values fits in 16 bits, which lets a kernel pair such sums.
#pragma once

#include <cstdint>

namespace gemma2 {

inline constexpr int kActivationBlock = 256;

struct ActivationBlock {
  float scale[8];        // of 32 values each
  std::int32_t sum[16];  // of 16 values each: cancels the offset of unsigned weights
  // The same for kernels whose products come in 16-bit pairs: -32 * the sum of values 0 1 4 5 8 9
  // 12 13 of 16, and of the other eight.
  std::int16_t offset[16][2];
  std::int8_t value[256];
};
static_assert(sizeof(ActivationBlock) == 416);

}  // namespace gemma2
