// SPDX-License-Identifier: Apache-2.0
//
// What all handles of one model share.
//
//   Model   --shared_ptr--> Engine { backends; weights and activations in their memory; tokenizer }
//   KvCache --unique_ptr--> State  { Engine; CacheViews, freed through the backends; token ids }
//   Session --unique_ptr--> State  { Model; KvCache; logits }
//
// The backends are declared before everything that points into them, so destruction runs safely.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "gemma2/model.h"

#include "kernels/backend.h"
#include "model/devices.h"
#include "model/segment.h"
#include "model/weights.h"
#include "quant/checkpoint.h"

namespace gemma2 {

class Engine {
 public:
  Engine(const Checkpoint& checkpoint, Tokenizer tokenizer, const LoadOptions& options);
  /// On these devices, whatever the options say of them.
  Engine(const Checkpoint& checkpoint, Tokenizer tokenizer, const LoadOptions& options,
         Devices devices);

  [[nodiscard]] const ModelConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Tokenizer& tokenizer() const noexcept { return tokenizer_; }
  [[nodiscard]] const Weights& weights() const noexcept { return weights_; }
  [[nodiscard]] std::span<const Segment> segments() const noexcept { return devices_.segments; }
  [[nodiscard]] Backend& backend_of(int layer) noexcept;
  [[nodiscard]] const std::string& backend_name() const noexcept { return name_; }
  [[nodiscard]] const std::string& device_report() const noexcept { return devices_.report; }
  [[nodiscard]] int prefill_chunk() const noexcept { return devices_.prefill_chunk; }
  [[nodiscard]] bool precise() const noexcept { return precise_; }

  /// Identifies weights, configuration and arithmetic: state saved by one engine is only for
  /// engines with the same fingerprint.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

  /// One step at a time: the activations are shared by all sessions.
  [[nodiscard]] std::mutex& step_mutex() noexcept { return step_mutex_; }
  /// What a step's segments hand on, see run_layers().
  [[nodiscard]] std::span<float> border() noexcept { return border_; }

 private:
  ModelConfig config_;
  Tokenizer tokenizer_;
  bool precise_;
  Devices devices_;
  std::string name_;
  Weights weights_;
  std::vector<float> border_;
  std::uint64_t fingerprint_;
  std::mutex step_mutex_;
};

}  // namespace gemma2
