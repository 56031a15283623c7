// SPDX-License-Identifier: Apache-2.0
//
// The model's parameters where the backend wants them, one field for each matrix of the paper.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "model/segment.h"
#include "quant/checkpoint.h"

namespace gemma2 {

struct LayerWeights {
  Weight pre_attention_norm;
  Weight q_proj, k_proj, v_proj;
  Weight o_proj;
  Weight post_attention_norm;
  Weight pre_ffn_norm;
  Weight gate_proj, up_proj;
  Weight down_proj;
  Weight post_ffn_norm;
};

struct Weights {
  Weight embedding;  // of the first segment ...
  Weight head;       // ... and the same matrix of the last one: another copy, if that is another
  std::vector<LayerWeights> layers;
  Weight final_norm;
  std::uint64_t digest = 0;  // of the stored tensors, whatever form the backend gave them

  [[nodiscard]] std::size_t bytes() const noexcept;
};

/// Imports every tensor to the device of its segment, releasing the checkpoint's pages behind it.
/// `progress` may be empty.
[[nodiscard]] Weights import_weights(std::span<const Segment> segments,
                                     const Checkpoint& checkpoint,
                                     const std::function<void(double fraction)>& progress);

}  // namespace gemma2
