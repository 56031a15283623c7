// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/avx2/dot_quads.h"
#include "kernels/cpu/avx2/q8_products.h"

namespace gemma2::cpu::avx2_vnni {
namespace {

/// Stored weights stay unsigned; what the 128 in each adds is known beforehand.
struct ByteDot {
  static __m256i weights(__m256i stored) noexcept { return stored; }
  static __m256i start(std::int32_t sum) noexcept { return _mm256_set1_epi32(-128 * sum); }
  static void add(__m256i& sum, __m256i weights, __m256i activations) noexcept {
    sum = dot_quads(sum, weights, activations);
  }
};

}  // namespace

void install_q8_0_vnni(KernelTable& table) {
  table.format[static_cast<int>(DType::q8_0)].matmul = avx2::Q8Kernel<ByteDot>::matmul;
}

}  // namespace gemma2::cpu::avx2_vnni
