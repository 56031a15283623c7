// SPDX-License-Identifier: Apache-2.0
//
// Peak loop for smmla: a product of two 2 x 8 matrices of 8 bits.
#include <arm_neon.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {

float int8_smmla(long rounds) {
  int32x4_t sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = vdupq_n_s32(j);
  const int8x16_t a = vdupq_n_s8(3);
  const int8x16_t b = vdupq_n_s8(-2);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = vmmlaq_s32(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = vaddq_s32(sum[0], sum[j]);
  return static_cast<float>(vaddvq_s32(sum[0]));
}

}  // namespace gemma2::bench::loops
