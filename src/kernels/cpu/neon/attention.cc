// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/neon/lanes.h"

namespace gemma2::cpu::neon {

void install_attention(KernelTable& table) {
  table.attention_f32 = AttentionTile<Lanes, F32Cache<Lanes>>::kernels();
  table.attention_bf16 = AttentionTile<Lanes, Bf16Cache<Lanes>>::kernels();
  table.attention_bf16_fma = table.attention_bf16;
  table.attention_int8 = AttentionTile<Lanes, Int8Cache<Lanes>>::kernels();
}

}  // namespace gemma2::cpu::neon
