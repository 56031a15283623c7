// SPDX-License-Identifier: Apache-2.0
//
// Emulated copies arrive when they are waited for, and not earlier.
#include <cstring>
#include <numeric>

#include "cuda/emulated_card.h"
#include "kernels/cuda/ptx.h"
#include "kernels/cuda/ptx_sm90a.h"

namespace gemma2::cuda {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

using EmulatedCopies = OnEmulatedCard;

std::vector<int> counting(std::size_t count) {
  std::vector<int> values(count);
  std::iota(values.begin(), values.end(), 1);
  return values;
}

/// Each lane copies 16 bytes twice, in two groups, and reads both while `kPending` may be missing.
template <int kPending>
__global__ void copy_twice(int* out, const int* in) {
  auto* shared = reinterpret_cast<int*>(shared_memory());
  const unsigned lane = threadIdx.x;
  for (unsigned i = 0; i < 2; ++i) {
    copy_16_begin(shared + (i * 32 + lane) * 4, in + (i * 32 + lane) * 4);
    copy_group_end();
  }
  copy_groups_wait<kPending>();
  for (unsigned i = 0; i < 2; ++i) {
    std::memcpy(out + (i * 32 + lane) * 4, shared + (i * 32 + lane) * 4, 16);
  }
}

TEST_F(EmulatedCopies, ArriveInGroups) {
  const std::vector<int> values = counting(256);
  Buffer<int> from(values);
  Buffer<int> to(256);
  const Start start{.shared_bytes = 1024};
  ASSERT_EQ(start(copy_twice<0>, to.data(), from.data()), cudaSuccess);
  EXPECT_EQ(to.values(), values);
  ASSERT_EQ(start(copy_twice<1>, to.data(), from.data()), cudaSuccess);
  EXPECT_EQ(to.values()[127], 128);
  EXPECT_EQ(static_cast<unsigned>(to.values()[128]), 0xCBCBCBCBU);
  ASSERT_EQ(start(copy_twice<2>, to.data(), from.data()), cudaSuccess);
  EXPECT_EQ(static_cast<unsigned>(to.values()[0]), 0xCBCBCBCBU);
  emulator::settings().major = 7;  // copies are ordinary ones there
  ASSERT_EQ(start(copy_twice<2>, to.data(), from.data()), cudaSuccess);
  EXPECT_EQ(to.values(), values);
}

TEST_F(EmulatedCopies, RefuseAddressesThatDoNotFit) {
  Buffer<int> from(64);
  Buffer<int> to(256);
  ASSERT_EQ(Start{.shared_bytes = 1024}(copy_twice<0>, to.data(), from.data() + 1), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("multiples of 16"));
  ASSERT_EQ(Start{.shared_bytes = 1024}(copy_twice<0>, to.data(), from.data()), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("outside of the card's memory"));
  ASSERT_EQ(Start{.shared_bytes = 512}(copy_twice<0>, to.data(), from.data()), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("expected shared memory"));
}

constexpr unsigned kStages = 3;
constexpr unsigned kStageInts = 64;

/// One warp brings blocks of 256 bytes, another adds them up. Mistake 1: does not wait for the
/// data, 2: announces too few bytes.
struct Pipeline {
  int* out;  // [64]
  const int* in;
  int blocks;
  int mistake = 0;
};
__global__ void pipeline(Pipeline work) {
  std::byte* shared = shared_memory();
  auto* full = reinterpret_cast<std::uint64_t*>(shared);
  auto* empty = full + kStages;
  auto* stages = reinterpret_cast<int*>(shared + 256);
  if (threadIdx.x == 0) {
    for (unsigned i = 0; i < kStages; ++i) {
      barrier_create(full + i, 1);
      barrier_create(empty + i, 32);
    }
    fence_barrier_creation();
  }
  sync_block();
  const unsigned lane = threadIdx.x % 32;
  int sums[2] = {};
  for (int i = 0; i < work.blocks; ++i) {
    const auto stage = static_cast<unsigned>(i) % kStages;
    const auto round = static_cast<unsigned>(i) / kStages % 2;
    if (threadIdx.x == 0) {
      barrier_wait(empty + stage, round ^ 1U);
      const unsigned bytes = kStageInts * 4;
      barrier_arrive_expecting(full + stage, work.mistake == 2 ? bytes - 16 : bytes);
      copy_block_begin(stages + stage * kStageInts, work.in + i * 64, bytes, full + stage);
    } else if (threadIdx.x >= 32) {
      if (work.mistake != 1) barrier_wait(full + stage, round);
      for (unsigned h = 0; h < 2; ++h) sums[h] += stages[stage * kStageInts + lane + 32 * h];
      barrier_arrive(empty + stage);
    }
  }
  if (threadIdx.x >= 32) {
    for (unsigned h = 0; h < 2; ++h) work.out[lane + 32 * h] = sums[h];
  }
}

TEST_F(EmulatedCopies, ArriveAtBarriers) {
  const std::vector<int> values = counting(64 * 10);
  std::vector<int> expected(64);
  for (std::size_t i = 0; i < values.size(); ++i) expected[i % 64] += values[i];
  Buffer<int> from(values);
  using emulator::Order;
  for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
    emulator::settings().threads = order;
    Buffer<int> to(64);
    const Pipeline work{to.data(), from.data(), 10};
    ASSERT_EQ((Start{.threads = 64, .shared_bytes = 1024}(pipeline, work)), cudaSuccess);
    EXPECT_EQ(to.values(), expected);
  }
}

TEST_F(EmulatedCopies, AreGarbageBeforeTheyArrive) {
  Buffer<int> from(std::vector<int>(64, 1));
  Buffer<int> to(64);
  const Pipeline work{to.data(), from.data(), 1, 1};
  ASSERT_EQ((Start{.threads = 64, .shared_bytes = 1024}(pipeline, work)), cudaSuccess);
  EXPECT_THAT(fault(), AnyOf(HasSubstr("ended while block copies were under way"),
                             HasSubstr("race on shared offset")));  // where accesses are checked
}

TEST_F(EmulatedCopies, WrongAnnouncementsLeaveWaitersBehind) {
  Buffer<int> from(std::vector<int>(64, 1));
  Buffer<int> to(64);
  const Pipeline work{to.data(), from.data(), 1, 2};
  ASSERT_EQ((Start{.threads = 64, .shared_bytes = 1024}(pipeline, work)), cudaSuccess);
  EXPECT_THAT(fault(), HasSubstr("from thread 32 on: barrier_wait"));
}

}  // namespace
}  // namespace gemma2::cuda
