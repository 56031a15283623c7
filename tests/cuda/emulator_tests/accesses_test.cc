// SPDX-License-Identifier: Apache-2.0
//
// Single accesses that kernels may not make. This file is compiled with gemma2_check_accesses.
#include <cstring>

#include "cuda/emulated_card.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/ptx_sm90a.h"

namespace gemma2::cuda {
namespace {

using testing::HasSubstr;

using EmulatedAccesses = OnEmulatedCard;

__global__ void reverse(int* x, int threads_apart) {
  auto* shared = reinterpret_cast<int*>(shared_memory());
  const int t = static_cast<int>(threadIdx.x);
  shared[t] = x[t];
  if (threads_apart == 1) sync_warp();
  if (threads_apart == 2) sync_block();
  x[t] = shared[static_cast<int>(blockDim.x) - 1 - t];
}

TEST_F(EmulatedAccesses, RacesAreNoticed) {
  using emulator::Order;
  for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
    emulator::settings().threads = order;
    Buffer<int> x(std::vector<int>(64));
    const Start one_warp{.threads = 32, .shared_bytes = 256};
    const Start two_warps{.threads = 64, .shared_bytes = 256};
    ASSERT_EQ(one_warp(reverse, x.data(), 0), cudaSuccess);
    EXPECT_THAT(fault(), HasSubstr("race on shared offset"));
    ASSERT_EQ(one_warp(reverse, x.data(), 1), cudaSuccess);
    ASSERT_EQ(two_warps(reverse, x.data(), 1), cudaSuccess);
    EXPECT_THAT(fault(), HasSubstr("and no barrier is between them"));
    ASSERT_EQ(two_warps(reverse, x.data(), 2), cudaSuccess);
  }
}

/// A value goes from thread 0 to thread 32 through a barrier in memory, or past it.
__global__ void hand_over(int* out, bool wait) {
  auto* barrier = reinterpret_cast<std::uint64_t*>(shared_memory());
  auto* value = reinterpret_cast<int*>(shared_memory() + 8);
  if (threadIdx.x == 0) barrier_create(barrier, 1);
  sync_block();
  if (threadIdx.x == 0) {
    *value = 7;
    barrier_arrive(barrier);
  }
  if (threadIdx.x == 32) {
    if (wait) barrier_wait(barrier, 0);
    *out = *value;
  }
}

TEST_F(EmulatedAccesses, BarriersInMemoryOrder) {
  Buffer<int> x(1);
  const Start start{.threads = 64, .shared_bytes = 16};
  ASSERT_EQ(start(hand_over, x.data(), true), cudaSuccess);
  EXPECT_EQ(x.values()[0], 7);
  ASSERT_EQ(start(hand_over, x.data(), false), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("thread 32 reads what thread 0 wrote"));
}

__global__ void read_at(float4* out, const std::byte* in, int offset, bool wide) {
  if (threadIdx.x != 0) return;
  if (wide) {
    *out = *reinterpret_cast<const float4*>(in + offset);
  } else {
    out->x = *reinterpret_cast<const float*>(in + offset);
  }
}

TEST_F(EmulatedAccesses, AddressesAreChecked) {
  Buffer<float4> out(1);
  Buffer<std::byte> in(100);
  const Start start{};
  ASSERT_EQ(start(read_at, out.data(), in.data(), 96, false), cudaSuccess);
  ASSERT_EQ(start(read_at, out.data(), in.data(), 80, true), cudaSuccess);
  ASSERT_EQ(start(read_at, out.data(), in.data(), 100, false), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("reads 4 bytes outside of the card's memory"));
  ASSERT_EQ(start(read_at, out.data(), in.data(), 96, true), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("across the end of an allocation"));
  ASSERT_EQ(start(read_at, out.data(), in.data(), 8, true), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("accesses 16 bytes at an address that is no multiple of that"));
  std::vector<std::byte> of_host(64);
  ASSERT_EQ(start(read_at, out.data(), of_host.data(), 0, false), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("outside of the card's memory"));
}

__global__ void write_one(int* x) {
  wait_for_earlier_kernels();
  if (threadIdx.x == 0) x[0] = 1;
}
__global__ void read_one(int* to, const int* from, bool wait_first) {
  if (wait_first) wait_for_earlier_kernels();
  const int x = from[0];
  if (!wait_first) wait_for_earlier_kernels();
  if (threadIdx.x == 0) to[0] = x;
}

TEST_F(EmulatedAccesses, WhatEarlierKernelsWriteIsWaitedFor) {
  Buffer<int> from(1);
  Buffer<int> weight(std::vector<int>{3});
  Buffer<int> to(1);
  const Start start{.early = true};
  ASSERT_EQ(start(write_one, from.data()), cudaSuccess);
  ASSERT_EQ(start(read_one, to.data(), from.data(), true), cudaSuccess);
  ASSERT_EQ(start(read_one, to.data(), weight.data(), false), cudaSuccess);
  ASSERT_EQ(start(read_one, to.data(), from.data(), false), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("reads what another kernel wrote"));
  ASSERT_EQ(start(write_one, from.data()), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(start(read_one, to.data(), from.data(), false), cudaSuccess);
}

/// 64 rows of 128 bytes times 8, written by ordinary stores.
__global__ void multiply_zeros(float* out, bool fence, int barrier) {
  std::byte* shared = shared_memory();
  for (unsigned i = threadIdx.x * 16; i < 72 * 128; i += 128 * 16) {
    *reinterpret_cast<uint4*>(shared + i) = make_uint4(0, 0, 0, 0);
  }
  if (fence) fence_for_tensor_cores();
  if (barrier == 1) sync_warp();
  if (barrier == 2) sync_block();
  float c[4];
  products_begin();
  multiply_64x8(c, operand(shared, 1024, 0), operand(shared + 64 * 128, 1024, 0), false);
  products_end();
  products_wait<0>();
  out[threadIdx.x] = c[0] + c[1] + c[2] + c[3];
}

TEST_F(EmulatedAccesses, OperandsMustBeFencedAndOrdered) {
  Buffer<float> out(128);
  const Start start{.threads = 128, .shared_bytes = 72 * 128};
  ASSERT_EQ(start(multiply_zeros, out.data(), true, 2), cudaSuccess);
  EXPECT_EQ(out.values()[127], 0.0F);
  ASSERT_EQ(start(multiply_zeros, out.data(), false, 2), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("did not call fence_for_tensor_cores since"));
  ASSERT_EQ(start(multiply_zeros, out.data(), true, 1), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("race on shared offset"));
}

}  // namespace
}  // namespace gemma2::cuda
