// SPDX-License-Identifier: Apache-2.0
//
// What the backend owns on the card and of the driver, each freed with its owner.
#pragma once

#include <cstddef>
#include <utility>

#include <cuda_runtime.h>

#include "kernels/cuda/launch.h"

namespace gemma2::cuda {

/// Calls of this thread go to the card with this index from now on: each thread has its own.
void use_card(int index);

/// Memory of the card. allocate() throws Error(out_of_memory) naming what it was for, how much, and
/// how much there is.
struct CardMemory {
  [[nodiscard]] static void* allocate(std::size_t bytes, const char* what);
  static void free(void* data) noexcept;
};
/// Memory of this side that the card can copy from and to by itself.
struct PinnedMemory {
  [[nodiscard]] static void* allocate(std::size_t bytes, const char* what);
  static void free(void* data) noexcept;
};

template <typename Memory>
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::size_t bytes, const char* what)
      : data_(bytes == 0 ? nullptr : static_cast<std::byte*>(Memory::allocate(bytes, what))),
        bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) Memory::free(data_);
  }

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  template <typename T>
  [[nodiscard]] T* as() const noexcept {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};
using CardBuffer = Buffer<CardMemory>;
using PinnedBuffer = Buffer<PinnedMemory>;

class Stream {
 public:
  Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  [[nodiscard]] cudaStream_t get() const noexcept { return stream_; }
  /// Waits for all that is queued.
  void wait() const;
  /// Copies that are done, behind all that is queued, when these return. Never plain cudaMemcpy: it
  /// goes by another stream, which this one does not wait for.
  void copy_in(void* card, const void* from, std::size_t bytes, const char* what) const;
  void copy_out(void* to, const void* card, std::size_t bytes, const char* what) const;

 private:
  cudaStream_t stream_ = nullptr;
};

/// A place in a stream.
class Event {
 public:
  Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void record(const Stream& stream);
  /// Waits until the stream has come to where the event was recorded last.
  void wait() const;

 private:
  cudaEvent_t event_ = nullptr;
};

/// Work that was recorded once and is queued by one call.
class Graph {
 public:
  explicit Graph(cudaGraphExec_t graph) noexcept : graph_(graph) {}
  Graph(Graph&& other) noexcept : graph_(std::exchange(other.graph_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(graph_, other.graph_);
    return *this;
  }
  ~Graph();

  void queue(const Stream& stream) const;

 private:
  cudaGraphExec_t graph_;
};

/// Runs `work`, which queues on the stream, without executing any of it.
template <typename Work>
[[nodiscard]] Graph record_graph(const Stream& stream, Work work);

/// The two halves of record_graph.
void begin_recording(const Stream& stream);
[[nodiscard]] Graph end_recording(const Stream& stream);
void give_up_recording(const Stream& stream) noexcept;

template <typename Work>
Graph record_graph(const Stream& stream, Work work) {
  begin_recording(stream);
  try {
    work();
  } catch (...) {
    give_up_recording(stream);
    throw;
  }
  return end_recording(stream);
}

}  // namespace gemma2::cuda
