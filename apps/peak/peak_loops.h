// SPDX-License-Identifier: Apache-2.0
//
// The loops behind the probes. Each file of them has an instruction set of its own and contains
// nothing but intrinsics and constant arithmetic: an inline function shared with other files could
// reach a machine that lacks the instructions.
#pragma once

#include <cstddef>

namespace gemma2::bench::loops {

inline constexpr int kChains = 12;        // accumulators: more than latency times issue rate needs
inline constexpr int kIntegerChains = 8;  // the same where a round needs registers for more

/// Bytes that each of several streams reads of `bytes`: a multiple of 256, but not of a page, or
/// the streams would meet in one set of the first cache.
[[gnu::always_inline]] constexpr std::size_t stream_bytes(std::size_t bytes, std::size_t streams) {
  return (bytes / streams / 4096 - 1) * 4096 + 256;
}

/// Reads the first streams * stream_bytes(bytes, streams) of `bytes` at `data` once.
struct ReadLoop {
  float (*run)(const std::byte* data, std::size_t bytes);
  std::size_t streams;
};

float read_generic_1(const std::byte* data, std::size_t bytes);
float read_generic_4(const std::byte* data, std::size_t bytes);
float read_avx2_1(const std::byte* data, std::size_t bytes);
float read_avx2_4(const std::byte* data, std::size_t bytes);
float read_avx2_8(const std::byte* data, std::size_t bytes);
float read_avx512_1(const std::byte* data, std::size_t bytes);
float read_avx512_4(const std::byte* data, std::size_t bytes);
float read_avx512_8(const std::byte* data, std::size_t bytes);
float read_avx512_prefetched(const std::byte* data, std::size_t bytes);

float fp32_generic(long rounds);
float fp32_avx2(long rounds);
float fp32_avx512(long rounds);
float bf16_avx512(long rounds);
float int8_vnni_ymm(long rounds);
float int8_vnni_zmm(long rounds);

/// Exact products of 8 bits without VNNI. THE MADDUBS PEAK that percentages refer to is the
/// conventional way: vpmaddubsw, vpmaddwd and vpaddd for every register of products.
float int8_maddubs_ymm(long rounds);
float int8_maddubs_zmm(long rounds);
/// The cheapest mix that stays exact for 6-bit weights: two vpmaddubsw are added in 16 bits
/// (4 * 63 * 127 = 32004 fits) before one vpmaddwd. 64 products a chain and round.
float int8_maddubs_pairs_ymm(long rounds);
/// vpmaddubsw alone, which sums nothing: the issue rate. 32 products a chain and round.
float int8_maddubs_raw_ymm(long rounds);

float fp32_neon(long rounds);
float int8_sdot(long rounds);
float int8_smmla(long rounds);
float bf16_bfmmla(long rounds);

}  // namespace gemma2::bench::loops
