// SPDX-License-Identifier: Apache-2.0
//
// The forward pass: which verb on which rows, in which order. The paper's layer, nothing else.
#pragma once

#include <span>
#include <stop_token>

#include "kernels/backend.h"
#include "model/segment.h"
#include "model/weights.h"

namespace gemma2 {

/// Runs the layers on the step's rows, appending to their caches; the result is the last segment's
/// residual. Returns false if `cancel` was requested, which is looked at before each layer; the
/// rows' positions are then not valid. border: [rows, hidden_size], for what one segment hands to
/// the next; used until logits() or finish() of the last one has returned.
[[nodiscard]] bool run_layers(std::span<const Segment> segments, std::span<float> border,
                              const Weights& weights, const Step& step,
                              const std::stop_token& cancel);

}  // namespace gemma2
