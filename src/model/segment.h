// SPDX-License-Identifier: Apache-2.0
//
// A model runs on one device, or its first layers on one and the last ones on another: two
// segments. The first one also embeds the tokens, the last one has the head.
#pragma once

#include "kernels/backend.h"

namespace gemma2 {

/// The rows that a pass works in; allocated once, for the largest pass.
struct Activations {
  Rows residual;   // [rows, hidden_size]
  Rows normed;     // [rows, hidden_size]
  Rows qkv;        // [rows, query_size + 2 * kv_size]
  Rows attended;   // [rows, query_size]
  Rows hidden;     // [rows, ffn_size]
  Rows projected;  // [rows, hidden_size]

  Activations() = default;
  Activations(Backend& backend, const ModelConfig& config, int max_rows);
  [[nodiscard]] Activations first(int rows) const noexcept;
};

/// The layers [first_layer, end_layer) and what they run on.
struct Segment {
  Backend* backend;
  int first_layer;
  int end_layer;
  Activations rows = {};  // once the weights have found room
};

}  // namespace gemma2
