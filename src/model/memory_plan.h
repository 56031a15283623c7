// SPDX-License-Identifier: Apache-2.0
//
// What a model takes of a device's memory, computed from shapes before anything is allocated.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"
#include "model/segment.h"
#include "quant/checkpoint.h"

namespace gemma2 {

/// The last layers of a model, on a device of their own or all on one.
struct MemoryPlan {
  std::vector<std::uint64_t> layers;  // of each: its weights, keys and values of one sequence
  std::uint64_t besides = 0;          // the embedding, which is the head, and rows to work in

  /// The last `count` layers and what goes with them; 0 for none.
  [[nodiscard]] std::uint64_t need(int count) const noexcept;
  /// The most of the last layers that `available` bytes have room for.
  [[nodiscard]] int fitting(std::uint64_t available) const noexcept;
};

/// For sequences of `positions`.
[[nodiscard]] MemoryPlan plan_memory(const Backend& backend, const Checkpoint& checkpoint,
                                     int positions, CacheFormat format);

/// Throws Error(out_of_memory) if the weights of a segment do not fit its device.
void require_memory_for_weights(std::span<const Segment> segments, const Checkpoint& checkpoint);

}  // namespace gemma2
