// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/weight_upload.h"

#include <algorithm>
#include <cstring>

#include "kernels/cuda/tiles.h"
#include "quant/formats.h"

namespace gemma2::cuda {
namespace {

constexpr std::size_t kSlabBytes = std::size_t{32} << 20;

std::size_t block_bytes(DType type) noexcept {
  return type == DType::q6_k   ? kQ6BlockBytes
         : type == DType::q8_0 ? kQ8BlockBytes
                               : kBf16BlockBytes;
}

}  // namespace

StripWeight strips_of(const TensorView& stored) noexcept {
  const bool quantized = stored.type == DType::q6_k || stored.type == DType::q8_0;
  return {quantized ? stored.type : DType::bf16, stored.rows, padded_columns(stored.cols), nullptr};
}

StripWeight strips_of(const Weight& weight) noexcept {
  return {weight.type, weight.rows, padded_columns(weight.cols), weight.data};
}

std::size_t strip_bytes_of(const StripWeight& weight) noexcept {
  return static_cast<std::size_t>(padded_weight_rows(weight.rows) / kStripRows) *
         static_cast<std::size_t>(weight.padded_cols / kBlockCols) * block_bytes(weight.type);
}

void WeightUpload::reserve(Slot& slot, std::size_t bytes) {
  slot.done.wait();
  if (slot.host.size() >= bytes) return;
  slot.host = {};
  slot.card = {};
  slot.card = CardBuffer(bytes, "a buffer for uploads");
  slot.host = PinnedBuffer(bytes, "a buffer for uploads");
}

void WeightUpload::upload(std::byte* to, const TensorView& stored,
                          const std::function<void(std::span<const std::byte>)>& consumed) {
  const StripWeight strips = strips_of(stored);
  const std::size_t stored_row = row_bytes(format_of(stored.type), stored.cols);
  const std::size_t packed_row =
      strip_bytes_of(strips) / static_cast<std::size_t>(padded_weight_rows(stored.rows));
  const int slab = std::max(1, static_cast<int>(kSlabBytes / (stored_row * kTileRows))) * kTileRows;
  for (int first = 0; first < stored.rows; first += slab) {
    const int rows = std::min(slab, stored.rows - first);
    const std::size_t bytes = static_cast<std::size_t>(rows) * stored_row;
    const std::byte* from = stored.data + static_cast<std::size_t>(first) * stored_row;
    Slot& slot = slots_[turn_++ % 2];
    reserve(slot, std::max(bytes, kSlabBytes));
    std::memcpy(slot.host.data(), from, bytes);
    consumed({from, bytes});
    require_success(cudaMemcpyAsync(slot.card.data(), slot.host.data(), bytes,
                                    cudaMemcpyHostToDevice, stream_.get()),
                    "copy weights");
    launch_pack(stream_.get(), to + static_cast<std::size_t>(first) * packed_row,
                {stored.type, rows, strips.padded_cols, stored_row, slot.card.data()});
    slot.done.record(stream_);
  }
}

}  // namespace gemma2::cuda
