// SPDX-License-Identifier: Apache-2.0
//
// Peak loop for bfmmla: a product of two 2 x 4 matrices of bfloat16.
#include <arm_neon.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {

float bf16_bfmmla(long rounds) {
  float32x4_t sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = vdupq_n_f32(static_cast<float>(j));
  const bfloat16x8_t a = vdupq_n_bf16(vcvth_bf16_f32(0.5F));
  const bfloat16x8_t b = vdupq_n_bf16(vcvth_bf16_f32(1e-3F));
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = vbfmmlaq_f32(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = vaddq_f32(sum[0], sum[j]);
  return vaddvq_f32(sum[0]);
}

}  // namespace gemma2::bench::loops
