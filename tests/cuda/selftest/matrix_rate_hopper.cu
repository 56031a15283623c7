// SPDX-License-Identifier: Apache-2.0
//
// The rate of Hopper's tensor cores by the instruction that product_hopper.cu uses, with operands
// that stay in shared memory.
#include "bench_kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx_sm90a.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::selftest {
namespace {

constexpr unsigned kGroups = 2;
constexpr unsigned kThreads = 128 * kGroups;
constexpr int kStepsOfTile = cuda::kTileCols / 16;
constexpr unsigned kShared = (kGroups + 2) * cuda::kTileBytes;  // 64 rows each, and 128 for both
constexpr unsigned kNever = 0x9D2C5681U;

__global__ void __launch_bounds__(kThreads, 1) rate_hopper_kernel(unsigned* sink, int steps) {
  std::byte* shared = cuda::shared_memory();
  for (unsigned i = threadIdx.x; i < kShared / 4; i += kThreads) {
    // Signs and fractions at random, all of size 1 to 2.
    const std::uint32_t bits = (i * 0x9E3779B9U) ^ (i * 0x85EBCA6BU >> 11);
    reinterpret_cast<std::uint32_t*>(shared)[i] = (bits & 0x807F807FU) | 0x3F803F80U;
  }
  cuda::fence_for_tensor_cores();
  cuda::sync_block();
  const std::byte* a = shared + threadIdx.x / 128 * cuda::kTileBytes;
  const std::byte* b = shared + kGroups * cuda::kTileBytes;
  float c[64];
#pragma unroll
  for (int i = 0; i < 64; ++i) c[i] = 0;
  cuda::pin_registers(c);
  for (int step = 0; step < steps; ++step) {
    cuda::products_begin();
#pragma unroll
    for (unsigned k = 0; k < kStepsOfTile; ++k) {
      cuda::multiply_64x128(c, cuda::operand(a + k * 32, 8 * cuda::kRowBytes, 0),
                            cuda::operand(b + k * 32, 8 * cuda::kRowBytes, 0), true);
    }
    cuda::products_end();
    cuda::products_wait<1>();
  }
  cuda::products_wait<0>();
  cuda::pin_registers(c);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 64; ++i) sum += c[i];
  if (__float_as_uint(sum) == kNever) *sink = 1;
}

}  // namespace

double launch_matrix_rate_hopper(cudaStream_t stream, unsigned* sink, int multiprocessors,
                                 int steps) {
  const auto blocks = static_cast<unsigned>(multiprocessors);
  cuda::launch(stream, cuda::Launch{"matrix_rate_hopper", dim3(blocks), kThreads, kShared},
               &rate_hopper_kernel, sink, steps);
  return 2.0 * 64 * 128 * 16 * kStepsOfTile * kGroups * blocks * steps;
}

}  // namespace gemma2::selftest
