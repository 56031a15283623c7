// SPDX-License-Identifier: Apache-2.0
//
// BF16 in 12 bits. For 32 weights: a byte shuffle looks up their upper bytes, two unpacks join them
// with the lower ones, and a shift or a mask for every 8 makes floats of them, as with plain BF16.
#include "kernels/cpu/avx2/lanes.h"
#include "kernels/cpu/bf16_12_matmul.h"

namespace gemma2::cpu::avx2 {
namespace {

struct Quad {
  using Bits = avx2::Bits;

  [[gnu::always_inline]] static void decode(Bits (&pairs)[2], const std::byte* quad,
                                            const std::byte* table) noexcept {
    const __m256i upper_bytes = _mm256_broadcastsi128_si256(load_128(table));
    const __m256i low_half = _mm256_set1_epi8(15);
    const __m256i indices = load_256(quad + bf16_12::kLowerBytes);
    const __m256i low_rows = _mm256_shuffle_epi8(upper_bytes, _mm256_and_si256(indices, low_half));
    const __m256i high_rows =
        _mm256_shuffle_epi8(upper_bytes, _mm256_and_si256(_mm256_srli_epi16(indices, 4), low_half));
    const __m256i low = load_256(quad);
    const __m256i high = load_256(quad + 32);
    pairs[0] = {_mm256_unpacklo_epi8(low, low_rows), _mm256_unpacklo_epi8(high, high_rows)};
    pairs[1] = {_mm256_unpackhi_epi8(low, low_rows), _mm256_unpackhi_epi8(high, high_rows)};
  }
  static void store(std::byte* to, Bits pairs) noexcept {
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), pairs.low);
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + 32), pairs.high);
  }
};

}  // namespace

void install_bf16_12(KernelTable& table) {
  FormatKernels& kernels = table.bf16_12;
  kernels.matmul = kernels.matmul_f32 = TwelveBitMatmul<Lanes, Quad, 1, 5, 4, 5>::matmul;
  table.bf16_12_pays = true;
}

}  // namespace gemma2::cpu::avx2
