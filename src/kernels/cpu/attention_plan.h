// SPDX-License-Identifier: Apache-2.0
//
// How the attention of a step is cut into items that threads may run in any order.
//
// An item is some rows of one sequence with one key/value head: many rows, so that a tile of the
// cache is read once for all of them. Where that leaves threads idle, as with one token, the chunks
// that the rows see are dealt out as parts. A part leaves the sums of each of its chunks by
// themselves, and whoever ends last adds all of them in ascending order: the bits are those of one
// thread that walks all chunks.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "gemma2/config.h"

#include "kernels/backend.h"

namespace gemma2::cpu {

inline constexpr int kMaxQueryRows = 48;  // query rows that share one walk over the cache
inline constexpr int kMaxQueryFloats = kMaxQueryRows * 256;

/// Query rows of this head size that share one walk.
[[nodiscard]] constexpr int max_query_rows(int head_dim) noexcept {
  const int fit = kMaxQueryFloats / head_dim;
  return fit < kMaxQueryRows ? fit : kMaxQueryRows;
}

struct AttentionItem {
  int first_row;  // of the step; the item's rows belong to one sequence, positions ascending
  int last_row;
  int kv_head;
  int split;        // index of its Split, -1: the item is whole
  int first_chunk;  // of a part
  int last_chunk;
};

class AttentionPlan {
 public:
  /// Chunk sums of rows that several items share.
  struct Split {
    int first_chunk;
    int last_chunk;
    int parts;
    std::size_t offset;      // of the first chunk's sums
    std::size_t chunk_size;  // floats
  };

  void prepare(const Step& step, const ModelConfig& config, LayerKind kind, int num_threads);

  [[nodiscard]] int count() const noexcept { return static_cast<int>(items_.size()); }
  [[nodiscard]] const AttentionItem& item(int i) const noexcept {
    return items_[static_cast<std::size_t>(i)];
  }
  [[nodiscard]] const Split& split(const AttentionItem& item) const noexcept {
    return splits_[static_cast<std::size_t>(item.split)];
  }
  /// Where a part puts a chunk's sums: [query rows][head_dim], then one sum of weights a row.
  [[nodiscard]] float* chunk_sums(const Split& split, int chunk) const noexcept {
    return sums_.get() + split.offset +
           split.chunk_size * static_cast<std::size_t>(chunk - split.first_chunk);
  }
  /// Tells that a part has left its sums. True for the last one, which now sees those of all.
  [[nodiscard]] bool finish(const AttentionItem& item) const noexcept;

 private:
  struct RowRange {
    int first;
    int last;
  };
  void cut_rows(const Step& step, int max_rows);
  void add_split(const RowRange& rows, const ModelConfig& config, RowRange chunks, int parts);

  std::vector<RowRange> ranges_;
  std::vector<AttentionItem> items_;
  std::vector<Split> splits_;
  std::unique_ptr<float[]> sums_;
  std::size_t sums_size_ = 0;
  std::size_t sums_used_ = 0;
  std::unique_ptr<std::atomic<int>[]> unfinished_;  // parts of each split
  std::size_t unfinished_size_ = 0;
};

/// First position that a row at `position` sees.
[[nodiscard]] constexpr int first_visible(const ModelConfig& config, LayerKind kind,
                                          int position) noexcept {
  const int first = kind == LayerKind::local ? position - config.sliding_window + 1 : 0;
  return first < 0 ? 0 : first;
}

}  // namespace gemma2::cpu
