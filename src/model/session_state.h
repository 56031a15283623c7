// SPDX-License-Identifier: Apache-2.0
//
// The inside of a Session.
#pragma once

#include <span>
#include <vector>

#include "gemma2/session.h"

#include "kernels/backend.h"
#include "model/cache_state.h"

namespace gemma2 {

/// Of one entry of a step with WantLogits::all: 64 MB of float32 for the real vocabulary.
inline constexpr int kMaxLogitRows = 64;

struct Session::State {
  State(const Model& shared_model, KvCache own_cache)
      : model(shared_model), cache(std::move(own_cache)) {
    logits.reserve(vocab_size());
  }

  /// What a step left for one row.
  struct Output {
    int allowed = 0;      // tokens
    BestToken best = {};  // if the step was asked for the best tokens
  };

  Model model;
  KvCache cache;
  std::vector<Output> outputs;  // rows of the last step
  std::vector<float> logits;    // as many rows of vocab_size; empty: none were wanted
  std::vector<float> hidden;    // rows of hidden_size; empty: none were wanted

  [[nodiscard]] std::size_t vocab_size() const noexcept {
    return static_cast<std::size_t>(model.config().vocab_size);
  }

  void forget_outputs() noexcept {
    outputs.clear();
    logits.clear();
    hidden.clear();
  }

  /// Whether the last row's result is of all tokens, and has what `wanted` asks for.
  [[nodiscard]] bool has_unconstrained(WantLogits wanted) const noexcept {
    if (outputs.empty() || outputs.back().allowed < model.config().vocab_size) return false;
    return !logits.empty() || wanted == WantLogits::best || wanted == WantLogits::all_best;
  }
};

}  // namespace gemma2
