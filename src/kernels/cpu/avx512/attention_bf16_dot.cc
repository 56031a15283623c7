// SPDX-License-Identifier: Apache-2.0
//
// Attention over a bf16 cache with vdpbf16ps: 32 multiply-adds for each instruction, the cache read
// as it lies. Queries are rounded to bf16, and so are the weights of the mix; their sum adds the
// rounded ones, so that they still are an average. Pairs ascend, one accumulator an output,
// whatever rows are computed together. The instruction rounds in its own way (two products, two
// roundings, denormals flushed), so this entry's bits belong to its instruction set.
#include <cstring>

#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/avx512/intrinsics.h"
#include "kernels/cpu/avx512/lanes.h"

namespace gemma2::cpu::avx512_bf16 {
namespace {

using avx512::Lanes;

constexpr int kQueryFloats = 12288;  // 24 KiB of rounded queries at a time

void round_to_bf16(std::uint16_t* out, const float* x, int n) noexcept {
  for (int i = 0; i < n; i += 16) {
    const auto mask = static_cast<__mmask16>(n - i >= 16 ? 0xFFFF : (1 << (n - i)) - 1);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
    _mm256_mask_storeu_epi16(out + i, mask, reinterpret_cast<__m256i>(rounded));
  }
}

/// A cache format of attention_tile.h. Part 0 is a pair; 1 and 2 are its upper and lower element,
/// with zero for the other: a value that a row does not see may be NaN.
struct DotCache {
  static constexpr int kStep = 2;
  static constexpr int kParts = 1;
  static constexpr int kUpper = 1;
  static constexpr int kLower = 2;
  static constexpr std::size_t kBytes = 2;
  static constexpr bool kScaled = false;
  using Loaded = __m512i;
  using Factor = std::uint16_t;

  template <int part>
  static __m512i load(const std::byte* from) noexcept {
    const __m512i pairs = _mm512_loadu_si512(from);
    if constexpr (part == kUpper) {
      return _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)));
    }
    if constexpr (part == kLower) return _mm512_and_si512(pairs, _mm512_set1_epi32(0xFFFF));
    return pairs;
  }
  template <int part>
  static __m512i factor(const std::uint16_t* from) noexcept {
    std::int32_t pair = 0;
    std::memcpy(&pair, from, sizeof(pair));
    return _mm512_set1_epi32(pair);
  }
  static Lanes add(Lanes sum, __m512i loaded, __m512i factor) noexcept {
    return {_mm512_dpbf16_ps(sum.v, reinterpret_cast<__m512bh>(loaded),
                             reinterpret_cast<__m512bh>(factor))};
  }
  static const std::uint16_t* factors(std::uint16_t* room, const float* weights, int rows,
                                      const float* /*scales*/) noexcept {
    round_to_bf16(room, weights, rows * kAttentionTile);
    return room;
  }
  static float value_of(std::uint16_t factor) noexcept { return bf16_to_f32(factor); }
  static float element(const std::byte* from, std::size_t index) noexcept {
    return bf16_to_f32(reinterpret_cast<const std::uint16_t*>(from)[index]);
  }
  static Lanes counted(Lanes weight) noexcept {
    const auto rounded = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(weight.v));
    return Lanes::from_bits({_mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded), 16)});
  }
};

using Tile = AttentionTile<Lanes, DotCache>;

void weights(float* p, const float* q, std::size_t q_stride, int rows, int head_dim,
             const std::byte* keys, const Visible* visible, float cap) noexcept {
  alignas(64) std::uint16_t rounded[kQueryFloats];
  const int most = kQueryFloats / head_dim;
  for (int first = 0; first < rows; first += most) {
    const int count = rows - first < most ? rows - first : most;
    for (int r = 0; r < count; ++r) {
      round_to_bf16(rounded + r * head_dim, q + static_cast<std::size_t>(first + r) * q_stride,
                    head_dim);
    }
    Tile::weights(p + first * kAttentionTile, rounded, static_cast<std::size_t>(head_dim), count,
                  head_dim, keys, visible + first, cap);
  }
}

}  // namespace

void install_attention_bf16_dot(KernelTable& table) {
  table.attention_bf16 = {weights, Tile::mix};
}

}  // namespace gemma2::cpu::avx512_bf16
