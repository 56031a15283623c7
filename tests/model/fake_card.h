// SPDX-License-Identifier: Apache-2.0
//
// A graphics card for machines without one: the CPU under another name, with a memory of its own
// size, that can be lost, and that can be watched at work.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "gemma2/error.h"

#include "kernels/cpu/cpu_backend.h"
#include "model/devices.h"

namespace gemma2::test {

/// What a test and its card share.
struct CardState {
  std::uint64_t memory = std::uint64_t{1} << 40;
  bool is_lost = false;
  std::function<void()> on_layer = {};  // called where a layer begins
};

class FakeCard final : public cpu::CpuBackend {
 public:
  FakeCard(const ModelConfig& config, const BackendOptions& options,
           std::shared_ptr<CardState> state)
      : CpuBackend(config, options), state_(std::move(state)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "cuda/fake"; }
  [[nodiscard]] std::uint64_t free_memory() const override { return state_->memory; }

  void rope_append(Rows qkv, int layer) override {
    if (state_->on_layer) state_->on_layer();
    if (state_->is_lost) throw Error(ErrorCode::device, "attention: the card is gone");
    CpuBackend::rope_append(qkv, layer);
  }

 private:
  std::shared_ptr<CardState> state_;
};

/// One such card; `searches` counts how often it was looked for.
inline CardSource one_fake_card(const std::shared_ptr<CardState>& state, int* searches = nullptr) {
  CardSource cards;
  cards.find = [searches] {
    if (searches != nullptr) ++*searches;
    return CudaSearch{.device = CudaDevice{.name = "Fake 100", .major = 9}, .problem = {}};
  };
  cards.make = [state](const ModelConfig& config, const BackendOptions& options) {
    return std::make_unique<FakeCard>(config, options, state);
  };
  cards.refusal = [](const ModelConfig&) { return std::string(); };
  return cards;
}

}  // namespace gemma2::test
