// SPDX-License-Identifier: Apache-2.0
//
// The forward pass: which verb on which rows, in which order. The paper's layer, nothing else.
#pragma once

#include <stop_token>

#include "kernels/backend.h"
#include "model/weights.h"

namespace gemma2 {

/// The rows that a pass works in; allocated once, for the largest pass.
struct Activations {
  Rows residual;   // [rows, hidden_size]
  Rows normed;     // [rows, hidden_size]
  Rows qkv;        // [rows, query_size + 2 * kv_size]
  Rows attended;   // [rows, query_size]
  Rows hidden;     // [rows, ffn_size]
  Rows projected;  // [rows, hidden_size]

  Activations(Backend& backend, const ModelConfig& config, int max_rows);
  [[nodiscard]] Activations first(int rows) const noexcept;

 private:
  Activations() = default;
};

/// Runs the layers on the step's rows, appending to their caches. Returns false if `cancel` was
/// requested, which is looked at before each layer; the rows' positions are then not valid.
[[nodiscard]] bool run_layers(Backend& backend, const Weights& weights, const Activations& rows,
                              const Step& step, const std::stop_token& cancel);

}  // namespace gemma2
