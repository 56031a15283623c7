// SPDX-License-Identifier: Apache-2.0
//
// What the Q6_K and Q8_0 kernels of this folder share.
#pragma once

#include <cstring>

#include <immintrin.h>

#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu::avx2 {

/// Asks for the lines of `bytes` bytes from `at` on.
inline void prefetch(const std::byte* at, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(at + i), _MM_HINT_T0);
  }
}

/// Four bytes in every 32-bit lane.
inline __m256i broadcast_word(const void* from) noexcept {
  std::int32_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return _mm256_set1_epi32(word);
}

/// Column c.
inline const ActivationBlock* blocks_of(const Columns& x, int c) noexcept {
  return reinterpret_cast<const ActivationBlock*>(x.data + static_cast<std::size_t>(c) * x.stride);
}

}  // namespace gemma2::cpu::avx2
