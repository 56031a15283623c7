// SPDX-License-Identifier: Apache-2.0
#include "bench_kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::selftest {
namespace {

using cuda::Launch;

constexpr unsigned kThreads = 256;
constexpr unsigned kNever = 0x9D2C5681U;  // a sum that is not expected: its store keeps the work

__device__ std::uint32_t mixed(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7FEB352DU;
  x = (x ^ (x >> 15)) * 0x846CA68BU;
  return x ^ (x >> 16);
}

/// Two bf16 with random signs and fractions, and exponents of five octaves below 2^highest.
__device__ std::uint32_t random_bf16(std::uint32_t bits, std::uint32_t highest) {
  return (bits & 0x807FU) | ((127 + highest - 4 + ((bits >> 8) & 0x7F) % 5) << 7);
}

constexpr std::uint32_t kSmall = 0U - 5U;  // weights: below 2^-4
constexpr std::uint32_t kUnit = 0;

struct Stored {
  unsigned halves = 1;    // of a block
  unsigned scale_at = 0;  // the half that is its scale
  std::uint32_t scale = 0;
};

__device__ std::uint32_t half_of(DType type, const Stored& stored, std::size_t i, unsigned seed) {
  const std::uint32_t bits = mixed(static_cast<std::uint32_t>(i) * 0x9E3779B9U +
                                   static_cast<std::uint32_t>(i >> 32) + seed);
  if (type == DType::bf16) return random_bf16(bits, kSmall) & 0xFFFFU;
  if (type == DType::f32) return i % 2 == 1 ? random_bf16(bits, kUnit) & 0xFFFFU : bits & 0xFFFFU;
  return i % stored.halves == stored.scale_at ? stored.scale : bits & 0xFFFFU;
}

__global__ void fill_kernel(std::byte* to, std::size_t halves, DType type, Stored stored,
                            unsigned seed) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * kThreads;
  auto* out = reinterpret_cast<std::uint16_t*>(to);
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x; i < halves;
       i += step) {
    out[i] = static_cast<std::uint16_t>(half_of(type, stored, i, seed));
  }
}

constexpr unsigned kReads = 4;  // under way at a time, of a thread

__global__ void read_kernel(const uint4* __restrict__ from, std::size_t count, unsigned* sink) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * kThreads;
  std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  uint4 sum = make_uint4(0, 0, 0, 0);
  for (; i + (kReads - 1) * step < count; i += kReads * step) {
    uint4 x[kReads];
#pragma unroll
    for (unsigned k = 0; k < kReads; ++k) x[k] = from[i + k * step];
#pragma unroll
    for (unsigned k = 0; k < kReads; ++k) {
      sum.x ^= x[k].x;
      sum.y ^= x[k].y;
      sum.z ^= x[k].z;
      sum.w ^= x[k].w;
    }
  }
  for (; i < count; i += step) sum.x ^= from[i].x;
  if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == kNever) *sink = sum.x;
}

constexpr int kChains = 8;  // products that do not wait for each other

__global__ void __launch_bounds__(kThreads) rate_kernel(unsigned* sink, int steps) {
  float c[kChains][4] = {};
  std::uint32_t a[4];
#pragma unroll
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint32_t x = random_bf16(mixed(threadIdx.x * 8 + i), kUnit);
    a[i] = x | (x << 16);
  }
  const std::uint32_t b0 = a[1] ^ 0x80000000U;
  const std::uint32_t b1 = a[2] ^ 0x00008000U;
  for (int step = 0; step < steps; ++step) {
#pragma unroll
    for (int chain = 0; chain < kChains; ++chain) cuda::multiply_add(c[chain], a, b0, b1);
  }
  float sum = 0;
#pragma unroll
  for (int chain = 0; chain < kChains; ++chain) {
    sum += (c[chain][0] + c[chain][1]) + (c[chain][2] + c[chain][3]);
  }
  if (__float_as_uint(sum) == kNever) *sink = 1;
}

}  // namespace

void launch_fill(cudaStream_t stream, std::byte* to, std::size_t bytes, DType type, unsigned seed) {
  // Of q8_0: 2^-12, times bytes of about 74; of q6_k: 245 * 2^-24, times scales of about 74 and
  // weights of about 18.
  Stored stored;
  if (type == DType::q8_0) stored = {17, 0, 0x0C00};
  if (type == DType::q6_k) stored = {105, 104, 0x00F5};
  constexpr std::size_t kMostBlocks = 4096;
  const std::size_t halves = bytes / 2;
  const std::size_t blocks = (halves + kThreads - 1) / kThreads;
  cuda::launch(
      stream,
      Launch{"fill", dim3(static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks)),
             kThreads},
      &fill_kernel, to, halves, type, stored, seed);
}

void launch_read(cudaStream_t stream, const std::byte* from, std::size_t bytes, unsigned* sink,
                 int blocks) {
  cuda::launch(stream, Launch{"read", dim3(static_cast<unsigned>(blocks)), kThreads}, &read_kernel,
               reinterpret_cast<const uint4*>(from), bytes / sizeof(uint4), sink);
}

double launch_matrix_rate(cudaStream_t stream, unsigned* sink, int multiprocessors, int steps) {
  constexpr unsigned kBlocksEach = 4;
  const unsigned blocks = static_cast<unsigned>(multiprocessors) * kBlocksEach;
  cuda::launch(stream, Launch{"matrix_rate", dim3(blocks), kThreads}, &rate_kernel, sink, steps);
  constexpr double kOperations = 2.0 * 16 * 8 * 16 * kChains * (kThreads / 32);
  return kOperations * steps * blocks;
}

}  // namespace gemma2::selftest
