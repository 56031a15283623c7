// SPDX-License-Identifier: Apache-2.0
//
// Threads of an emulated block: they meet, trade values, and are noticed when they do not meet.
#include <bit>
#include <numeric>

#include "cuda/emulated_card.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

using EmulatedThreads = OnEmulatedCard;

__global__ void sum_block(float* out, const float* in) {
  auto* partial = reinterpret_cast<float*>(shared_memory());
  const unsigned t = threadIdx.x;
  partial[t] = in[blockIdx.x * blockDim.x + t];
  sync_block();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (t < half) partial[t] += partial[t + half];
    sync_block();
  }
  if (t == 0) out[blockIdx.x] = partial[0];
}

TEST_F(EmulatedThreads, SumWithBarriersInAnyOrder) {
  std::vector<float> in(4 * 256);
  std::iota(in.begin(), in.end(), 0.0F);
  using emulator::Order;
  for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
    emulator::settings().blocks = emulator::settings().threads = order;
    Buffer<float> from(in);
    Buffer<float> to(4);
    ASSERT_EQ(
        (Start{.grid = 4, .threads = 256, .shared_bytes = 1024}(sum_block, to.data(), from.data())),
        cudaSuccess);
    EXPECT_THAT(to.values(), ElementsAre(32640.0F, 98176.0F, 163712.0F, 229248.0F));
  }
}

__global__ void sum_lanes(float* out) {
  float x = static_cast<float>(threadIdx.x);
  for (int mask = 16; mask > 0; mask /= 2) x += from_lane_xor(x, mask);
  out[threadIdx.x] = x + from_lane(x * 0.5F, 3);
}

TEST_F(EmulatedThreads, LanesTradeValues) {
  Buffer<float> to(64);
  ASSERT_EQ(Start{.threads = 64}(sum_lanes, to.data()), cudaSuccess);
  const std::vector<float> sums = to.values();
  EXPECT_EQ(sums[0], 496.0F * 1.5F);
  EXPECT_EQ(sums[63], (496.0F + 1024.0F) * 1.5F);
}

__global__ void place(uint4* out) {
  const dim3 g = gridDim;
  const unsigned block = (blockIdx.z * g.y + blockIdx.y) * g.x + blockIdx.x;
  out[block * blockDim.x + threadIdx.x] =
      make_uint4(blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x);
}

TEST_F(EmulatedThreads, KnowTheirPlace) {
  Buffer<uint4> to(2 * 3 * 4 * 32);
  ASSERT_EQ((Start{.grid = {2, 3, 4}}(place, to.data())), cudaSuccess);
  const uint4 last = to.values().back();
  EXPECT_EQ(last.x, 1U);
  EXPECT_EQ(last.y, 2U);
  EXPECT_EQ(last.z, 3U);
  EXPECT_EQ(last.w, 31U);
}

/// Two warps hand a value to and fro, while two others stay out of it.
__global__ void play_ball(int* out) {
  auto* ball = reinterpret_cast<int*>(shared_memory());
  if (threadIdx.x == 0) *ball = 0;
  sync_block();
  if (threadIdx.x >= 64) return;
  for (int i = 0; i < 10; ++i) {
    if (threadIdx.x == static_cast<unsigned>(i % 2) * 32) *ball = 3 * *ball + i;
    sync_some(1 + i % 2, 64);
  }
  if (threadIdx.x == 0) *out = *ball;
}

TEST_F(EmulatedThreads, SomeMeetAtNamedBarriers) {
  int expected = 0;
  for (int i = 0; i < 10; ++i) expected = 3 * expected + i;
  emulator::settings().threads = emulator::Order::shuffled;
  Buffer<int> to(1);
  ASSERT_EQ((Start{.threads = 128, .shared_bytes = 4}(play_ball, to.data())), cudaSuccess);
  EXPECT_EQ(to.values()[0], expected);
}

__global__ void count_blocks(unsigned* counter, unsigned long long* most) {
  if (threadIdx.x != 0) return;
  const unsigned before = count_up(counter, 2);
  raise_to(most, before);
}

TEST_F(EmulatedThreads, BlocksCount) {
  Buffer<unsigned> counter(std::vector<unsigned>{0});
  Buffer<unsigned long long> most(std::vector<unsigned long long>{5});
  ASSERT_EQ(Start{.grid = 10}(count_blocks, counter.data(), most.data()), cudaSuccess);
  EXPECT_EQ(counter.values()[0], 20U);
  EXPECT_EQ(most.values()[0], 18U);
}

__global__ void wait_apart() {
  if (threadIdx.x < 32) sync_block();
  if (threadIdx.x >= 32) sync_some(1, 64);
}

TEST_F(EmulatedThreads, WhoWaitsForeverIsNamed) {
  ASSERT_EQ(Start{.threads = 64}(wait_apart), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_THAT(fault(), HasSubstr("deadlock: from thread 0 on: sync_block; from thread 32 on: "
                                 "sync_some"));
}

__global__ void leave_early() {
  if (threadIdx.x == 5) return;
  sync_warp();
}

TEST_F(EmulatedThreads, ALaneThatLeftIsMissed) {
  ASSERT_EQ(Start{}(leave_early), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("from thread 5 on: its end"));
}

__global__ void part_ways(float* out) {
  if (threadIdx.x < 16) sync_warp();
  out[threadIdx.x] = from_lane(1.0F, 0);
}

TEST_F(EmulatedThreads, AWarpThatPartedIsNoticed) {
  Buffer<float> to(32);
  ASSERT_EQ(Start{}(part_ways, to.data()), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("thread 16: comes to from_lane, where others wait at sync_warp"));
}

__global__ void write_shared(int index) {
  if (threadIdx.x == 0) shared_memory()[index] = std::byte{1};
}

TEST_F(EmulatedThreads, WritesBesideSharedMemoryAreNoticed) {
  for (const int beside : {-1, 64}) {
    ASSERT_EQ(Start{.shared_bytes = 64}(write_shared, beside), cudaSuccess);
    EXPECT_THAT(fault(), HasSubstr("shared memory"));
  }
  ASSERT_EQ(Start{.shared_bytes = 64}(write_shared, 63), cudaSuccess);
}

__global__ void write_global(std::byte* to, int index) {
  if (threadIdx.x == 0) to[index] = std::byte{1};
}

TEST_F(EmulatedThreads, WritesBesideAllocationsAreNoticed) {
  for (const int beside : {-1, 100}) {
    Buffer<std::byte> to(100);
    ASSERT_EQ(Start{}(write_global, to.data(), beside), cudaSuccess);
    const std::vector<std::string> faults = emulator::take_faults();
    emulator::reset();
    ASSERT_FALSE(faults.empty());
    EXPECT_THAT(faults[0], AnyOf(HasSubstr("wrote beside an allocation of 100 bytes"),
                                 HasSubstr("writes 1 bytes outside of the card's memory")));
    to.data()[beside] = std::byte{0xA7};  // as the guard was
  }
}

__global__ void read_shared(float* out) {
  out[threadIdx.x] = reinterpret_cast<const float*>(shared_memory())[threadIdx.x];
}

TEST_F(EmulatedThreads, FreshMemoryIsGarbage) {
  Buffer<float> to(32);
  const std::vector<float> before = to.values();
  EXPECT_EQ(std::bit_cast<unsigned>(before[7]), 0xCBCBCBCBU);
  ASSERT_EQ(Start{.shared_bytes = 128}(read_shared, to.data()), cudaSuccess);
  EXPECT_EQ(std::bit_cast<unsigned>(to.values()[31]), 0xCBCBCBCBU);
}

__global__ void wait_for_earlier(bool wait) {
  if (wait) wait_for_earlier_kernels();
  let_next_kernel_start();
}

TEST_F(EmulatedThreads, AKernelThatStartsEarlyMustWait) {
  ASSERT_EQ((Start{.early = true}(wait_for_earlier, true)), cudaSuccess);
  ASSERT_EQ((Start{.early = true}(wait_for_earlier, false)), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("never called wait_for_earlier_kernels"));
}

}  // namespace
}  // namespace gemma2::cuda
