// SPDX-License-Identifier: Apache-2.0
//
// Packed weights as products of many rows want them, in bf16: a copy that stays, made when a matrix
// is first wanted, while the card has memory that nobody needs; else one made for each product in
// memory that all of them share. Both hold the same numbers.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "kernels/cuda/card.h"
#include "kernels/cuda/kernels.h"

namespace gemma2::cuda {

class Bf16Weights {
 public:
  explicit Bf16Weights(const Stream& stream);

  /// Whether find() would do: all of the stack is bf16 already or has a copy, or gets one now.
  [[nodiscard]] bool keeps(const WeightStack& stack);
  /// The weight in bf16. REQUIRES: keeps() of a stack with it, and no drop() since.
  [[nodiscard]] StripWeight find(const StripWeight& weight) const;

  /// Rows, whole tiles of 64, of a matrix of these columns that the shared memory can take.
  [[nodiscard]] int rows_at_once(int padded_cols) const noexcept;
  /// The shared memory for a stack of `most` bytes, or for a part of it: at least `least` bytes.
  [[nodiscard]] std::size_t shared_bytes(std::size_t most, std::size_t least) const;
  [[nodiscard]] bool shares(std::size_t bytes) const noexcept { return shared_.size() >= bytes; }
  /// Makes the shared memory so big. REQUIRES: nothing that is not queued yet is about it.
  void share(std::size_t bytes);
  [[nodiscard]] std::byte* shared() const noexcept { return shared_.data(); }
  /// Queues the unpacking of rows [first, first + rows) of the weight.
  void unpack(std::byte* to, const StripWeight& weight, int first, int rows) const;

  /// Bytes of the copies, which drop() would give back.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// Gives the copies' memory back. Returns whether there were any.
  bool drop() noexcept;

 private:
  /// Whether there is memory for a copy that nobody else needs.
  [[nodiscard]] bool has_room_for(std::size_t bytes) const;

  const Stream& stream_;
  std::size_t card_bytes_ = 0;
  std::unordered_map<const std::byte*, CardBuffer> copies_;
  bool may_copy_ = true;
  CardBuffer shared_;
};

/// Bytes of the weight in bf16.
[[nodiscard]] std::size_t bf16_bytes_of(const StripWeight& weight) noexcept;
/// Rows [first, first + rows) of a packed weight; `first` is a multiple of 64.
[[nodiscard]] StripWeight rows_of(const StripWeight& weight, int first, int rows) noexcept;

}  // namespace gemma2::cuda
