// SPDX-License-Identifier: Apache-2.0
//
// Stored weights -> strips on the card. Slabs of rows go through two pairs of buffers that take
// turns: while one slab is copied over the bus and packed, the next is read from the file.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "kernels/cuda/card.h"
#include "kernels/cuda/kernels.h"
#include "quant/tensor_view.h"

namespace gemma2::cuda {

/// How a stored matrix will lie on the card.
[[nodiscard]] StripWeight strips_of(const TensorView& stored) noexcept;
/// A matrix that lies there.
[[nodiscard]] StripWeight strips_of(const Weight& weight) noexcept;
[[nodiscard]] std::size_t strip_bytes_of(const StripWeight& weight) noexcept;

class WeightUpload {
 public:
  explicit WeightUpload(const Stream& stream) : stream_(stream) {}

  /// Fills `to`, of strip_bytes_of(strips_of(stored)) bytes. `consumed`: stored bytes that are not
  /// needed any more. The strips are there for all that is queued on the stream afterwards.
  void upload(std::byte* to, const TensorView& stored,
              const std::function<void(std::span<const std::byte>)>& consumed);

 private:
  struct Slot {
    PinnedBuffer host;
    CardBuffer card;
    Event done;
  };
  void reserve(Slot& slot, std::size_t bytes);

  const Stream& stream_;
  Slot slots_[2];
  unsigned turn_ = 0;
};

}  // namespace gemma2::cuda
