// SPDX-License-Identifier: Apache-2.0
//
// What kernels need to know of a step, in one piece of the card's memory that one copy fills:
// tokens, positions, caches, and which rows attend together. Steps with the same numbers of things
// have them at the same addresses, so that recorded work serves many steps.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "gemma2/config.h"

#include "kernels/backend.h"
#include "kernels/cuda/card.h"
#include "kernels/cuda/kernels.h"

namespace gemma2::cuda {

/// Query tiles of one kind: of few or many rows, with caches of one format.
struct TileList {
  const QueryTile* tiles = nullptr;  // the card's
  int count = 0;
  int max_chunks[2] = {};  // that a tile attends to at most, in layers of each LayerKind
};

class StepTable {
 public:
  explicit StepTable(const ModelConfig& config);

  /// Tiles of many rows over bf16 caches shall have up to so many.
  void use_tile_rows(int most) noexcept { most_bf16_rows_ = most; }

  /// Cards with little shared memory have no kernel for tiles of many rows.
  void use_few_rows_alone() noexcept { few_rows_alone_ = true; }

  /// Lays the step out and queues its copy. Returns false if the table moved: then nothing recorded
  /// before holds any more. The stream must be done with the step before.
  [[nodiscard]] bool fill(const Step& step, const Stream& stream);

  [[nodiscard]] const int* tokens() const noexcept { return at<int>(tokens_); }
  [[nodiscard]] const int* positions() const noexcept { return at<int>(positions_); }
  [[nodiscard]] const int* output_rows() const noexcept { return at<int>(output_rows_); }
  [[nodiscard]] const CachePlace* caches(int layer) const noexcept {
    return at<CachePlace>(caches_) + static_cast<std::ptrdiff_t>(layer) * rows_;
  }
  [[nodiscard]] const TileList& tiles(bool many_rows, CacheFormat format) const noexcept {
    return lists_[list_index(many_rows, format)];
  }
  /// Whether all caches are bf16.
  [[nodiscard]] bool all_bf16() const noexcept { return all_bf16_; }

 private:
  using Tiles = std::array<std::vector<QueryTile>, 4>;

  [[nodiscard]] static std::size_t list_index(bool many_rows, CacheFormat format) noexcept {
    return (many_rows ? 2U : 0U) + (format == CacheFormat::int8 ? 1U : 0U);
  }
  template <typename T>
  [[nodiscard]] const T* at(std::size_t offset) const noexcept {
    return reinterpret_cast<const T*>(card_.data() + offset);
  }
  template <typename T>
  [[nodiscard]] T* host_at(std::size_t offset) noexcept {
    return reinterpret_cast<T*>(host_.data() + offset);
  }

  void cut_into_tiles(const Step& step);
  void add_run(const Step& step, int first, int rows);
  [[nodiscard]] std::size_t lay_out(const Step& step);

  const ModelConfig& config_;
  PinnedBuffer host_;
  CardBuffer card_;
  int most_bf16_rows_ = 0;  // 0: max_tile_rows()
  bool few_rows_alone_ = false;
  int rows_ = 0;
  bool all_bf16_ = true;
  Tiles cut_;
  std::array<TileList, 4> lists_;
  std::array<std::size_t, 4> lists_at_{};
  std::size_t tokens_ = 0;
  std::size_t positions_ = 0;
  std::size_t output_rows_ = 0;
  std::size_t caches_ = 0;
};

}  // namespace gemma2::cuda
