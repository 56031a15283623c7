// SPDX-License-Identifier: Apache-2.0
//
// BF16 times BF16 with vdpbf16ps: 16 rows x a pair of k for each instruction, the activation pair
// broadcast from memory. A tile of 32 rows x 12 columns has 24 accumulators, enough to hide a
// latency of 6 cycles at two instructions a cycle; each pair of k takes 2 loads of weights and 12
// of activations.
//
// The instruction rounds in its own way (two products, two roundings, denormals flushed), so this
// entry's bits belong to its instruction set; but not to the number of columns.
#include <cstdint>
#include <cstring>

#include "kernels/cpu/avx512/bf16_12_tiles.h"
#include "kernels/cpu/avx512/bf16_tiles.h"

namespace gemma2::cpu::avx512_bf16 {
namespace {

struct DotProduct {
  static constexpr int kColumns = 12;
  static constexpr int kFewColumns = 6;
  static constexpr std::size_t kValueBytes = sizeof(std::uint16_t);
  using Weights = __m512bh;
  using Activations = __m512bh;

  [[gnu::always_inline]] static Weights weights(const std::byte* at) noexcept {
    return reinterpret_cast<__m512bh>(_mm512_load_si512(at));
  }
  [[gnu::always_inline]] static Activations activations(const std::byte* at) noexcept {
    std::int32_t pair = 0;
    std::memcpy(&pair, at, sizeof(pair));
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
  }
  [[gnu::always_inline]] static __m512 multiply(__m512 sum, Weights w, Activations x) noexcept {
    return _mm512_dpbf16_ps(sum, w, x);
  }
};

}  // namespace

void install_bf16_dot(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::bf16)];
  kernels.input = table.bf16_12.input = InputLayout::bf16;
  kernels.matmul = avx512::Bf16Tiles<DotProduct>::matmul;
  table.bf16_12.matmul = avx512::TwelveBitTiles<DotProduct>::matmul;
}

}  // namespace gemma2::cpu::avx512_bf16
