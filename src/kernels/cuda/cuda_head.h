// SPDX-License-Identifier: Apache-2.0
//
// What is wanted of the last product: logits of some rows, or the best token of each, or both kinds
// in one step. Only what is wanted crosses the bus: of a best token two numbers, not a vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cuda/card.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch_queue.h"

namespace gemma2::cuda {

class CudaHead {
 public:
  CudaHead(const Stream& stream, int vocab_size) : stream_(stream), vocab_size_(vocab_size) {}

  /// Outputs that one group may have: what the buffers are made for.
  static constexpr int kMostOutputs = 64;

  /// Makes room for a group and tells the card what is wanted of each output. Returns false if
  /// anything moved: then nothing recorded before holds any more.
  [[nodiscard]] bool prepare(std::span<const OutputRow> outputs);
  [[nodiscard]] const HeadRow* rows() const noexcept { return table_.as<HeadRow>(); }

  /// Queues what comes before the product, and after it.
  void begin(LaunchQueue& queue);
  void end(LaunchQueue& queue);

  /// After the stream has come to the end: to where the outputs say.
  void deliver(std::span<const OutputRow> outputs) const;

 private:
  const Stream& stream_;
  int vocab_size_;
  int count_ = 0;
  bool wants_logits_ = false;
  CardBuffer table_;   // [outputs] HeadRow
  CardBuffer best_;    // [outputs] BestFound
  CardBuffer logits_;  // [outputs][vocab_size]
  CardBuffer masks_;   // [outputs][words]
  PinnedBuffer host_table_;
  PinnedBuffer host_best_;
  PinnedBuffer host_logits_;
  PinnedBuffer host_masks_;
};

}  // namespace gemma2::cuda
