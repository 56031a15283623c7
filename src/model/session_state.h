// SPDX-License-Identifier: Apache-2.0
//
// The inside of a Session.
#pragma once

#include <span>
#include <vector>

#include "gemma2/session.h"

#include "model/cache_state.h"

namespace gemma2 {

struct Session::State {
  State(const Model& shared_model, KvCache own_cache)
      : model(shared_model), cache(std::move(own_cache)) {
    logits.reserve(vocab_size());
  }

  Model model;
  KvCache cache;
  std::vector<float> logits;  // rows of vocab_size, of the last step; empty: none
  int logits_rows = 0;

  [[nodiscard]] std::size_t vocab_size() const noexcept {
    return static_cast<std::size_t>(model.config().vocab_size);
  }
};

}  // namespace gemma2
