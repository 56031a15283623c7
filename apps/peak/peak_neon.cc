// SPDX-License-Identifier: Apache-2.0
//
// Peak loop for fmla: four products of float32.
#include <arm_neon.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {

float fp32_neon(long rounds) {
  float32x4_t sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = vdupq_n_f32(static_cast<float>(j));
  const float32x4_t a = vdupq_n_f32(0.5F);
  const float32x4_t b = vdupq_n_f32(1e-3F);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = vfmaq_f32(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = vaddq_f32(sum[0], sum[j]);
  return vaddvq_f32(sum[0]);
}

}  // namespace gemma2::bench::loops
