// SPDX-License-Identifier: Apache-2.0
//
// The emulated host side: what is refused, streams, graphs, and failures on demand.
#include <cstring>

#include "cuda/emulated_card.h"
#include "kernels/cuda/ptx.h"

namespace gemma2::cuda {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

using EmulatedHost = OnEmulatedCard;

__global__ void scale_and_add(int* x, int factor, const int* y) {
  x[threadIdx.x] = factor * x[threadIdx.x] + *y;
}
__global__ void nothing() {}

TEST_F(EmulatedHost, MissingDriversAndCardsAreReported) {
  emulator::settings().driver = false;
  int devices = 7;
  EXPECT_EQ(cudaGetDeviceCount(&devices), cudaErrorInsufficientDriver);
  EXPECT_EQ(devices, 0);
  emulator::reset({.devices = 0});
  EXPECT_EQ(cudaGetDeviceCount(&devices), cudaErrorNoDevice);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 1), cudaErrorNoDevice);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorNoDevice), "cudaErrorNoDevice");
}

TEST_F(EmulatedHost, TheCardIsWhatTheTestSays) {
  emulator::reset({.major = 8, .minor = 6, .multiprocessors = 28, .memory = 1 << 20});
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_EQ(properties.major * 10 + properties.minor, 86);
  EXPECT_EQ(properties.multiProcessorCount, 28);
  EXPECT_EQ(properties.sharedMemPerBlockOptin, 99U * 1024);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(EmulatedHost, MemoryRunsOut) {
  emulator::settings().memory = 1000 + emulator::counters().live_bytes;
  void* first = nullptr;
  void* second = nullptr;
  ASSERT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 600), cudaErrorMemoryAllocation);
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 400U);
  ASSERT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaFree(first), cudaErrorInvalidValue);
  emulator::reset({.failing_allocation = 1});
  ASSERT_EQ(cudaMalloc(&first, 6), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 6), cudaErrorMemoryAllocation);
  ASSERT_EQ(cudaMalloc(&second, 6), cudaSuccess);
  cudaFree(first);
  cudaFree(second);
}

TEST_F(EmulatedHost, CopiesStayInsideOfAllocations) {
  Buffer<char> card(100);
  char host[200] = {};
  EXPECT_EQ(cudaMemcpy(card.data(), host, 101, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(card.data() + 50, host, 50, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host, host + 100, 50, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(card.data(), card.data() + 50, 10, cudaMemcpyHostToDevice),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(card.data() + 1, 0, 100), cudaErrorInvalidValue);
}

TEST_F(EmulatedHost, LaunchesThatTheCardWouldRefuseAreRefused) {
  EXPECT_EQ(Start{.threads = 1025}(nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Start{.grid = dim3(1, 65536)}(nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(Start{.shared_bytes = 48 * 1024 + 1}(nothing), cudaErrorInvalidValue);
  const auto allow = [](int kilobytes) {
    return cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                kilobytes * 1024);
  };
  EXPECT_EQ(allow(228), cudaErrorInvalidValue);
  ASSERT_EQ(allow(227), cudaSuccess);
  EXPECT_EQ(Start{.shared_bytes = 227 * 1024}(nothing), cudaSuccess);
  emulator::settings().major = 8;
  EXPECT_EQ(allow(164), cudaErrorInvalidValue);
  ASSERT_EQ(allow(48), cudaSuccess);
}

/// Work that is queued too early or read too late shows when streams are late.
TEST_F(EmulatedHost, StreamsCanBeLate) {
  emulator::settings().late = true;
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  Buffer<int> x(std::vector<int>(32, 1));
  Buffer<int> y(std::vector<int>{10});
  int* locked = nullptr;
  ASSERT_EQ(cudaMallocHost(&locked, sizeof(int)), cudaSuccess);
  *locked = 20;
  ASSERT_EQ(cudaMemcpyAsync(y.data(), locked, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  ASSERT_EQ((Start{.stream = stream}(scale_and_add, x.data(), 2, y.data())), cudaSuccess);
  *locked = 30;  // too early: the copy has not been made
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_THAT(x.values(), Each(1));
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(x.values(), Each(32));
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  cudaFreeHost(locked);
  cudaStreamDestroy(stream);
}

TEST_F(EmulatedHost, StreamsWaitForEvents) {
  emulator::settings().late = true;
  cudaStream_t first = nullptr;
  cudaStream_t second = nullptr;
  cudaEvent_t between = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&between), cudaSuccess);
  Buffer<int> x(std::vector<int>(32, 1));
  Buffer<int> y(std::vector<int>{10});
  Start{.stream = first}(scale_and_add, x.data(), 2, y.data());
  cudaEventRecord(between, first);
  Start{.stream = first}(scale_and_add, x.data(), 100, y.data());
  cudaStreamWaitEvent(second, between);
  Start{.stream = second}(scale_and_add, x.data(), 3, y.data());
  EXPECT_EQ(cudaEventQuery(between), cudaErrorNotReady);
  ASSERT_EQ(cudaStreamSynchronize(second), cudaSuccess);
  EXPECT_THAT(x.values(), Each(46));
  EXPECT_EQ(cudaEventQuery(between), cudaSuccess);
  cudaStreamDestroy(first);
  EXPECT_THAT(x.values(), Each(4610));
  cudaStreamDestroy(second);
  cudaEventDestroy(between);
}

TEST_F(EmulatedHost, GraphsAreReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  Buffer<int> x(std::vector<int>(32, 1));
  Buffer<int> y(1);
  int* locked = nullptr;
  ASSERT_EQ(cudaMallocHost(&locked, sizeof(int)), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(y.data(), locked, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  ASSERT_EQ((Start{.stream = stream}(scale_and_add, x.data(), 2, y.data())), cudaSuccess);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
  ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_THAT(x.values(), Each(1));
  for (*locked = 0; *locked < 3; ++*locked) {
    ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  }
  EXPECT_THAT(x.values(), Each(12));  // 1, 2, 5, 12
  EXPECT_EQ(emulator::counters().launches, 3);
  cudaGraphExecDestroy(executable);
  cudaFreeHost(locked);
  cudaStreamDestroy(stream);
  EXPECT_EQ(emulator::counters().live_graphs, 0);
}

TEST_F(EmulatedHost, ACaptureIsSpoiltByWaiting) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 10), cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
  EXPECT_EQ(cudaMalloc(&memory, 10), cudaSuccess);
  cudaFree(memory);
  cudaStreamDestroy(stream);
}

TEST_F(EmulatedHost, TheCardCanBeLost) {
  emulator::settings().lost_after_launches = 2;
  EXPECT_EQ(Start{}(nothing), cudaSuccess);
  EXPECT_EQ(Start{}(nothing), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(Start{}(nothing), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_EQ(Start{}(nothing), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
}

}  // namespace
}  // namespace gemma2::cuda
