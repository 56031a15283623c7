// SPDX-License-Identifier: Apache-2.0
//
// What the Q6_K and Q8_0 kernels of this folder share.
#pragma once

#include <cstring>

#include <immintrin.h>

#include "kernels/cpu/kernel_table.h"

namespace gemma2::cpu::avx2 {

// Weights stream past once: asking for the lines this far ahead keeps the memory busy while the
// window is full of arithmetic.
inline constexpr std::size_t kPrefetchBytes = 4096;

inline void prefetch(const std::byte* at, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(at + kPrefetchBytes + i), _MM_HINT_T0);
  }
}

/// Four bytes in every 32-bit lane.
inline __m256i broadcast_word(const void* from) noexcept {
  std::int32_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return _mm256_set1_epi32(word);
}

/// Runs Kernel::strip<columns> over all strips and columns, four columns at a time.
template <class Kernel>
void each_strip(float* out, std::size_t out_stride, const Strips& w, const Columns& x) noexcept {
  for (int s = 0; s < w.count; ++s) {
    const std::byte* strip = w.data + static_cast<std::size_t>(s) * w.strip_bytes;
    float* rows = out + 16 * static_cast<std::size_t>(s);
    int c = 0;
    const auto step = [&]<int columns>() {
      for (; c + columns <= x.count; c += columns) {
        const Columns some = {x.data + static_cast<std::size_t>(c) * x.stride, columns, x.stride};
        Kernel::template strip<columns>(rows + static_cast<std::size_t>(c) * out_stride, out_stride,
                                        strip, w.cols, some);
      }
    };
    step.template operator()<4>();
    step.template operator()<2>();
    step.template operator()<1>();
  }
}

/// The blocks of column c.
inline const ActivationBlock* blocks_of(const Columns& x, int c) noexcept {
  return reinterpret_cast<const ActivationBlock*>(x.data + static_cast<std::size_t>(c) * x.stride);
}

}  // namespace gemma2::cpu::avx2
