// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/bf16_weights.h"

#include <algorithm>

#include "kernels/cuda/tiles.h"
#include "kernels/cuda/weight_upload.h"

namespace gemma2::cuda {
namespace {

/// The head alone is larger; it is done in parts. On small cards, this part of their memory.
constexpr std::size_t kMostShared = std::size_t{256} << 20;
constexpr std::size_t kSharedPart = 64;

/// What stays free beside copies, for KV caches to come: a quarter of the card.
constexpr std::size_t kFreePart = 4;

}  // namespace

std::size_t bf16_bytes_of(const StripWeight& weight) noexcept {
  StripWeight unpacked = weight;
  unpacked.type = DType::bf16;
  return strip_bytes_of(unpacked);
}

StripWeight rows_of(const StripWeight& weight, int first, int rows) noexcept {
  const auto padded = static_cast<std::size_t>(padded_weight_rows(weight.rows));
  StripWeight part = weight;
  part.rows = rows;
  part.data += strip_bytes_of(weight) / padded * static_cast<std::size_t>(first);
  return part;
}

Bf16Weights::Bf16Weights(const Stream& stream) : stream_(stream) {
  std::size_t free = 0;
  require_success(cudaMemGetInfo(&free, &card_bytes_), "ask for the card's memory");
}

bool Bf16Weights::has_room_for(std::size_t bytes) const {
  std::size_t free = 0;
  std::size_t total = 0;
  require_success(cudaMemGetInfo(&free, &total), "ask for free memory");
  return free >= bytes + total / kFreePart;
}

bool Bf16Weights::keeps(const WeightStack& stack) {
  for (int i = 0; i < stack.count; ++i) {
    const StripWeight& weight = stack.part[i];
    if (weight.type == DType::bf16 || copies_.contains(weight.data)) continue;
    if (!may_copy_) return false;
    const std::size_t bytes = bf16_bytes_of(weight);
    may_copy_ = may_copy_ && has_room_for(bytes);
    if (!may_copy_) return false;
    CardBuffer& copy =
        copies_.emplace(weight.data, CardBuffer(bytes, "weights in bf16")).first->second;
    unpack(copy.data(), weight, 0, weight.rows);
  }
  return true;
}

StripWeight Bf16Weights::find(const StripWeight& weight) const {
  if (weight.type == DType::bf16) return weight;
  StripWeight copy = weight;
  copy.type = DType::bf16;
  copy.data = copies_.at(weight.data).data();
  return copy;
}

int Bf16Weights::rows_at_once(int padded_cols) const noexcept {
  const std::size_t tile = static_cast<std::size_t>(padded_cols) * kTileRows * 2;
  return std::max(1, static_cast<int>(shared_.size() / tile)) * kTileRows;
}

std::size_t Bf16Weights::shared_bytes(std::size_t most, std::size_t least) const {
  return std::min(most, std::max(least, std::min(kMostShared, card_bytes_ / kSharedPart)));
}

void Bf16Weights::share(std::size_t bytes) {
  stream_.wait();
  shared_ = {};
  shared_ = CardBuffer(bytes, "weights in bf16");
}

void Bf16Weights::unpack(std::byte* to, const StripWeight& weight, int first, int rows) const {
  launch_unpack(stream_.get(), to, rows_of(weight, first, rows));
}

std::size_t Bf16Weights::bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& copy : copies_) bytes += copy.second.size();
  return bytes;
}

bool Bf16Weights::drop() noexcept {
  may_copy_ = false;
  if (copies_.empty()) return false;
  copies_.clear();
  return true;
}

}  // namespace gemma2::cuda
