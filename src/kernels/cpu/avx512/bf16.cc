// SPDX-License-Identifier: Apache-2.0
//
// BF16 times float: a pair of k of 16 rows is split into two vectors of floats, even k by a shift
// and odd k by a mask, and each takes one FMA with its activation. 32 rows x 8 columns: 16
// accumulators, four registers of weights, and each activation is broadcast once for two FMAs.
#include <cstring>

#include "kernels/cpu/avx512/bf16_12_tiles.h"
#include "kernels/cpu/avx512/bf16_tiles.h"

namespace gemma2::cpu::avx512 {
namespace {

struct SplitProduct {
  static constexpr int kColumns = 8;  // with more, gcc 12 parks weights in memory
  static constexpr int kFewColumns = 4;
  static constexpr std::size_t kValueBytes = sizeof(float);
  struct Pair {
    __m512 even;
    __m512 odd;
  };
  using Weights = Pair;
  using Activations = Pair;

  [[gnu::always_inline]] static Weights weights(const std::byte* at) noexcept {
    const __m512i pairs = _mm512_load_si512(at);
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)),
            _mm512_castsi512_ps(_mm512_and_si512(pairs, upper))};
  }
  [[gnu::always_inline]] static Activations activations(const std::byte* at) noexcept {
    float pair[2];
    std::memcpy(pair, at, sizeof(pair));
    return {_mm512_set1_ps(pair[0]), _mm512_set1_ps(pair[1])};
  }
  [[gnu::always_inline]] static __m512 multiply(__m512 sum, Weights w, Activations x) noexcept {
    return _mm512_fmadd_ps(w.odd, x.odd, _mm512_fmadd_ps(w.even, x.even, sum));
  }
};

}  // namespace

void install_bf16(KernelTable& table) {
  FormatKernels& kernels = table.format[static_cast<int>(DType::bf16)];
  kernels.matmul = kernels.matmul_f32 = Bf16Tiles<SplitProduct>::matmul;
  table.bf16_12.matmul = table.bf16_12.matmul_f32 = TwelveBitTiles<SplitProduct>::matmul;
  table.bf16_12_pays = false;  // not measured
}

}  // namespace gemma2::cpu::avx512
