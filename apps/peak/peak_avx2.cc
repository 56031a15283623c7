// SPDX-License-Identifier: Apache-2.0
//
// Peak loops for AVX2.
#include <immintrin.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {
namespace {

constexpr std::size_t kBlock = 128;  // bytes a stream gives before the next one's turn

// No software prefetch: on Zen 3 every distance and hint tried was slower than the hardware's own
// prefetchers, which follow up to eight streams (README.md of bench/ has the numbers).
template <int streams>
float read(const std::byte* data, std::size_t bytes) {
  __m256i sum[4] = {};
  const std::size_t part = stream_bytes(bytes, streams);
  for (std::size_t i = 0; i < part; i += kBlock) {
#pragma GCC unroll 8
    for (std::size_t stream = 0; stream < streams; ++stream) {
      const std::byte* block = data + stream * part + i;
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) {
        const auto* at = reinterpret_cast<const __m256i*>(block + 32 * j);
        sum[j] = _mm256_xor_si256(sum[j], _mm256_loadu_si256(at));
      }
    }
  }
  for (int j = 1; j < 4; ++j) sum[0] = _mm256_xor_si256(sum[0], sum[j]);
  return static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

}  // namespace

float read_avx2_1(const std::byte* data, std::size_t bytes) {
  return read<1>(data, bytes);
}
float read_avx2_4(const std::byte* data, std::size_t bytes) {
  return read<4>(data, bytes);
}
float read_avx2_8(const std::byte* data, std::size_t bytes) {
  return read<8>(data, bytes);
}

float fp32_avx2(long rounds) {
  __m256 sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm256_set1_ps(static_cast<float>(j));
  const __m256 a = _mm256_set1_ps(0.5F);
  const __m256 b = _mm256_set1_ps(1e-3F);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm256_fmadd_ps(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm256_add_ps(sum[0], sum[j]);
  return _mm256_cvtss_f32(sum[0]);
}

// Without the vpaddd: there are ports for it beside the multipliers', but on Zen 3 the scheduler
// puts it on a multiplier's in some runs and not in others, so that one and the same loop does 78
// or 103 GMAC/s a core. What the multipliers can do is the roof either way.
float int8_maddubs_ymm(long rounds) {
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i b = _mm256_set1_epi8(-2);
  __m256i a = _mm256_set1_epi8(3);
  __m256i fours = ones;
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kIntegerChains; ++j) {
      asm("" : "+x"(a));  // may have changed it, so no product can leave the loop
      fours = _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones);
      asm volatile("" : : "x"(fours));
    }
  }
  return static_cast<float>(_mm256_extract_epi32(fours, 0));
}

float int8_maddubs_pairs_ymm(long rounds) {
  __m256i sum[kIntegerChains];
  for (int j = 0; j < kIntegerChains; ++j) sum[j] = _mm256_set1_epi32(j);
  const __m256i scales = _mm256_set1_epi16(1);
  const __m256i b = _mm256_set1_epi8(-2);
  const __m256i c = _mm256_set1_epi8(5);
  __m256i a = _mm256_set1_epi8(3);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kIntegerChains; ++j) {
      asm("" : "+x"(a));  // as above
      const __m256i fours =
          _mm256_add_epi16(_mm256_maddubs_epi16(a, b), _mm256_maddubs_epi16(a, c));
      sum[j] = _mm256_add_epi32(sum[j], _mm256_madd_epi16(fours, scales));
    }
  }
  for (int j = 1; j < kIntegerChains; ++j) sum[0] = _mm256_add_epi32(sum[0], sum[j]);
  return static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

float int8_maddubs_raw_ymm(long rounds) {
  __m256i sum[kIntegerChains];
  for (int j = 0; j < kIntegerChains; ++j) sum[j] = _mm256_set1_epi32(j);
  const __m256i b = _mm256_set1_epi8(-2);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kIntegerChains; ++j) {
      sum[j] = _mm256_maddubs_epi16(sum[j], b);
    }
  }
  for (int j = 1; j < kIntegerChains; ++j) sum[0] = _mm256_add_epi32(sum[0], sum[j]);
  return static_cast<float>(_mm256_extract_epi32(sum[0], 0));
}

}  // namespace gemma2::bench::loops
