// SPDX-License-Identifier: Apache-2.0
//
// What all handles of one model share.
//
//   Model   --shared_ptr--> Engine { backend; weights and activations in its memory; tokenizer }
//   KvCache --unique_ptr--> State  { Engine; CacheViews, freed through the backend; token ids }
//   Session --unique_ptr--> State  { Model; KvCache; logits }
//
// The backend is declared before everything that points into it, so destruction runs safely.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "gemma2/model.h"

#include "kernels/backend.h"
#include "model/transformer.h"
#include "model/weights.h"
#include "quant/checkpoint.h"

namespace gemma2 {

class Engine {
 public:
  Engine(const Checkpoint& checkpoint, Tokenizer tokenizer, const LoadOptions& options);

  [[nodiscard]] const ModelConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Tokenizer& tokenizer() const noexcept { return tokenizer_; }
  [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
  [[nodiscard]] const Activations& activations() const noexcept { return activations_; }
  [[nodiscard]] Backend& backend() noexcept { return *backend_; }
  [[nodiscard]] int prefill_chunk() const noexcept { return prefill_chunk_; }
  [[nodiscard]] bool precise() const noexcept { return precise_; }

  /// Identifies weights, configuration and arithmetic: state saved by one engine is only for
  /// engines with the same fingerprint.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

  /// One step at a time: the activations are shared by all sessions.
  [[nodiscard]] std::mutex& step_mutex() noexcept { return step_mutex_; }

 private:
  ModelConfig config_;
  Tokenizer tokenizer_;
  int prefill_chunk_;
  bool precise_;
  std::unique_ptr<Backend> backend_;
  Weights weights_;
  Activations activations_;
  std::uint64_t fingerprint_;
  std::mutex step_mutex_;
};

}  // namespace gemma2
