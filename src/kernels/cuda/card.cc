// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/card.h"

#include "check.h"

namespace gemma2::cuda {
namespace {

double mebibytes(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

}  // namespace

void use_card(int index) {
  require_success(cudaSetDevice(index), "choose a card");
}

void* CardMemory::allocate(std::size_t bytes, const char* what) {
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    std::size_t free = 0;
    std::size_t total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) static_cast<void>(cudaGetLastError());
    fail(ErrorCode::out_of_memory,
         "cuda: {}: expected {:.0f} MiB of the card's memory, found {:.0f} MiB free of {:.0f}",
         what, mebibytes(bytes), mebibytes(free), mebibytes(total));
  }
  require_success(status, what);
  return data;
}
void CardMemory::free(void* data) noexcept {
  static_cast<void>(cudaFree(data));
}

void* PinnedMemory::allocate(std::size_t bytes, const char* what) {
  void* data = nullptr;
  require_success(cudaMallocHost(&data, bytes), what);
  return data;
}
void PinnedMemory::free(void* data) noexcept {
  static_cast<void>(cudaFreeHost(data));
}

Stream::Stream() {
  require_success(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "create a stream");
}
Stream::~Stream() {
  static_cast<void>(cudaStreamDestroy(stream_));
}
void Stream::wait() const {
  require_success(cudaStreamSynchronize(stream_), "wait for the card");
}
void Stream::copy_in(void* card, const void* from, std::size_t bytes, const char* what) const {
  require_success(cudaMemcpyAsync(card, from, bytes, cudaMemcpyHostToDevice, stream_), what);
  wait();
}
void Stream::copy_out(void* to, const void* card, std::size_t bytes, const char* what) const {
  require_success(cudaMemcpyAsync(to, card, bytes, cudaMemcpyDeviceToHost, stream_), what);
  wait();
}

Event::Event() {
  require_success(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "create an event");
}
Event::~Event() {
  static_cast<void>(cudaEventDestroy(event_));
}
void Event::record(const Stream& stream) {
  require_success(cudaEventRecord(event_, stream.get()), "record an event");
}
void Event::wait() const {
  require_success(cudaEventSynchronize(event_), "wait for the card");
}

Graph::~Graph() {
  if (graph_ != nullptr) static_cast<void>(cudaGraphExecDestroy(graph_));
}
void Graph::queue(const Stream& stream) const {
  require_success(cudaGraphLaunch(graph_, stream.get()), "launch a graph");
}

void begin_recording(const Stream& stream) {
  require_success(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal),
                  "record a graph");
}

Graph end_recording(const Stream& stream) {
  cudaGraph_t graph = nullptr;
  require_success(cudaStreamEndCapture(stream.get(), &graph), "record a graph");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
  static_cast<void>(cudaGraphDestroy(graph));
  require_success(status, "make a graph");
  return Graph(executable);
}

void give_up_recording(const Stream& stream) noexcept {
  cudaGraph_t graph = nullptr;
  static_cast<void>(cudaStreamEndCapture(stream.get(), &graph));
  if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
  static_cast<void>(cudaGetLastError());
}

}  // namespace gemma2::cuda
