// SPDX-License-Identifier: Apache-2.0
//
// Peak loops for AVX-512 (F and BW).
#include <immintrin.h>

#include "peak_loops.h"

namespace gemma2::bench::loops {
namespace {

constexpr std::size_t kBlock = 256;  // bytes a stream gives before the next one's turn

template <int streams, int prefetch_distance>
float read(const std::byte* data, std::size_t bytes) {
  __m512i sum[4] = {};
  const std::size_t part = stream_bytes(bytes, streams);
  for (std::size_t i = 0; i < part; i += kBlock) {
#pragma GCC unroll 8
    for (std::size_t stream = 0; stream < streams; ++stream) {
      const std::byte* block = data + stream * part + i;
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) {
        const std::byte* at = block + 64 * j;
        if constexpr (prefetch_distance > 0) {
          _mm_prefetch(reinterpret_cast<const char*>(at + prefetch_distance), _MM_HINT_T0);
        }
        sum[j] = _mm512_xor_si512(sum[j], _mm512_loadu_si512(at));
      }
    }
  }
  for (int j = 1; j < 4; ++j) sum[0] = _mm512_xor_si512(sum[0], sum[j]);
  return static_cast<float>(_mm512_reduce_add_epi32(sum[0]));
}

}  // namespace

float read_avx512_1(const std::byte* data, std::size_t bytes) {
  return read<1, 0>(data, bytes);
}
float read_avx512_4(const std::byte* data, std::size_t bytes) {
  return read<4, 0>(data, bytes);
}
float read_avx512_8(const std::byte* data, std::size_t bytes) {
  return read<8, 0>(data, bytes);
}
float read_avx512_prefetched(const std::byte* data, std::size_t bytes) {
  return read<1, 4096>(data, bytes);
}

float fp32_avx512(long rounds) {
  __m512 sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm512_set1_ps(static_cast<float>(j));
  const __m512 a = _mm512_set1_ps(0.5F);
  const __m512 b = _mm512_set1_ps(1e-3F);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      sum[j] = _mm512_fmadd_ps(sum[j], a, b);
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm512_add_ps(sum[0], sum[j]);
  return _mm512_reduce_add_ps(sum[0]);
}

float int8_maddubs_zmm(long rounds) {
  __m512i sum[kChains];
  for (int j = 0; j < kChains; ++j) sum[j] = _mm512_set1_epi32(j);
  const __m512i ones = _mm512_set1_epi16(1);
  const __m512i b = _mm512_set1_epi8(-2);
  __m512i a = _mm512_set1_epi8(3);
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; ++j) {
      asm("" : "+v"(a));  // the product must not leave the loop
      sum[j] = _mm512_add_epi32(sum[j], _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), ones));
    }
  }
  for (int j = 1; j < kChains; ++j) sum[0] = _mm512_add_epi32(sum[0], sum[j]);
  return static_cast<float>(_mm512_reduce_add_epi32(sum[0]));
}

}  // namespace gemma2::bench::loops
