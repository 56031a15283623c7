// SPDX-License-Identifier: Apache-2.0
//
// Kernels to launch, handed to the card's stream together. A queue that comes again, with the same
// kernels on the same memory, is recorded as a graph: from then on one call launches all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kernels/cuda/card.h"

namespace gemma2::cuda {

class LaunchQueue {
 public:
  explicit LaunchQueue(const Stream& stream) : stream_(stream) {}

  /// `launch` puts kernels or copies on the stream, always the same ones for the same `identity`:
  /// numbers and addresses, all that it depends on.
  template <typename... Identity>
  void add(std::function<void()> launch, const Identity&... identity) {
    (mix(word_of(identity)), ...);
    queue_.push_back(std::move(launch));
  }

  /// Queues all of it on the stream. `recordable`: it may come again.
  void submit(bool recordable);
  void clear() noexcept;

  /// From the next submit() on: `begin` is recorded in front of that one, `end` behind each. Null:
  /// no more.
  void watch(cudaEvent_t begin, cudaEvent_t end) noexcept;

  /// Memory that recorded work is about has moved.
  void forget_graphs() noexcept;

 private:
  template <typename T>
  [[nodiscard]] static std::uint64_t word_of(const T& identity) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<std::uintptr_t>(identity);
    } else {
      return static_cast<std::uint64_t>(identity);
    }
  }
  void mix(std::uint64_t word) noexcept;
  void run() const;
  void record(cudaEvent_t event) const;

  const Stream& stream_;
  std::vector<std::function<void()>> queue_;
  std::uint64_t identity_ = 0;
  std::unordered_map<std::uint64_t, Graph> graphs_;
  std::unordered_set<std::uint64_t> seen_;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace gemma2::cuda
