// SPDX-License-Identifier: Apache-2.0
//
// Peak loops in plain C++, for whatever the compiler's baseline is (SSE2 on x86-64).
#include <cstdint>
#include <cstring>

#include "peak_loops.h"

namespace gemma2::bench::loops {
namespace {

template <int streams>
float read(const std::byte* data, std::size_t bytes) {
  std::uint64_t sum[8] = {};
  const std::size_t part = stream_bytes(bytes, streams);
  for (std::size_t i = 0; i < part; i += 64) {
    for (std::size_t stream = 0; stream < streams; ++stream) {
      std::uint64_t words[8];
      std::memcpy(words, data + stream * part + i, 64);
      for (int j = 0; j < 8; ++j) sum[j] ^= words[j];
    }
  }
  std::uint64_t all = 0;
  for (const std::uint64_t s : sum) all ^= s;
  return static_cast<float>(all);
}

}  // namespace

float read_generic_1(const std::byte* data, std::size_t bytes) {
  return read<1>(data, bytes);
}
float read_generic_4(const std::byte* data, std::size_t bytes) {
  return read<4>(data, bytes);
}

float fp32_generic(long rounds) {
  float sum[kChains * 4] = {};
  for (long i = 0; i < rounds; ++i) {
    asm("" : : "r"(sum) : "memory");  // equal chains must not be folded into one
    for (float& s : sum) s = s * 0.5F + 1e-3F;
  }
  float total = 0;
  for (const float s : sum) total += s;
  return total;
}

}  // namespace gemma2::bench::loops
