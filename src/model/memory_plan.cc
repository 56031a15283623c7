// SPDX-License-Identifier: Apache-2.0
#include "model/memory_plan.h"

#include <string_view>

#include <fmt/format.h>

#include "available_memory.h"

namespace gemma2 {
namespace {

std::uint64_t bytes_of(const Backend& backend, const TensorInfo& tensor) {
  const bool is_vector = tensor.shape.size() == 1;
  return backend.weight_bytes(is_vector ? DType::f32 : tensor.type,
                              is_vector ? 1 : static_cast<int>(tensor.shape.front()),
                              static_cast<int>(tensor.shape.back()));
}

/// 12 for "blk.12.attn_q.weight", -1 for what belongs to no layer.
int layer_of(const TensorInfo& tensor) {
  constexpr std::string_view kPrefix = "blk.";
  return tensor.name.starts_with(kPrefix) ? std::stoi(tensor.name.substr(kPrefix.size())) : -1;
}

/// A smaller weight type is only advice for matrices that are not in the smallest already.
const char* advice_for(const Checkpoint& checkpoint) {
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (tensor.shape.size() == 2 && tensor.type != DType::q6_k) {
      return "quantized to a smaller type (q8_0, q6_k) they take less";
    }
  }
  return "a smaller model takes less";
}

}  // namespace

std::uint64_t MemoryPlan::need(int count) const noexcept {
  if (count == 0) return 0;
  std::uint64_t total = besides;
  for (std::size_t i = layers.size() - static_cast<std::size_t>(count); i < layers.size(); ++i) {
    total += layers[i];
  }
  return total;
}

int MemoryPlan::fitting(std::uint64_t available) const noexcept {
  int count = static_cast<int>(layers.size());
  while (count > 0 && need(count) > available) --count;
  return count;
}

MemoryPlan plan_memory(const Backend& backend, const Checkpoint& checkpoint, int positions,
                       CacheFormat format) {
  MemoryPlan plan;
  plan.layers.assign(static_cast<std::size_t>(checkpoint.config().num_layers),
                     backend.cache_bytes(positions, format));
  plan.besides = backend.step_bytes();
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    const int layer = layer_of(tensor);
    (layer < 0 ? plan.besides : plan.layers[static_cast<std::size_t>(layer)]) +=
        bytes_of(backend, tensor);
  }
  return plan;
}

void require_memory_for_weights(std::span<const Segment> segments, const Checkpoint& checkpoint) {
  for (const Segment& segment : segments) {
    std::uint64_t total = 0;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      const int layer = layer_of(tensor);
      const bool is_here = layer < 0 || (layer >= segment.first_layer && layer < segment.end_layer);
      if (is_here) total += bytes_of(*segment.backend, tensor);
    }
    const std::string what =
        segments.size() == 1
            ? std::string("the weights")
            : fmt::format("the weights of layers {} to {} on {}", segment.first_layer,
                          segment.end_layer - 1, segment.backend->name());
    require_memory(total, segment.backend->free_memory(), what, advice_for(checkpoint));
  }
}

}  // namespace gemma2
