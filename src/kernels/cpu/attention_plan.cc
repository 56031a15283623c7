// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/attention_plan.h"

#include <algorithm>

#include "checked_math.h"

namespace gemma2::cpu {
namespace {

constexpr int kItemsPerThread = 4;  // so that a thread that was held up costs little
constexpr int kRowBlock = 6;        // query rows that kernels take at once
constexpr int kMaxSplitRows = 16;   // more rows are worth a walk of their own

}  // namespace

void AttentionPlan::cut_rows(const Step& step, int max_rows) {
  ranges_.clear();
  const int rows = static_cast<int>(step.positions.size());
  for (int row = 0; row < rows;) {
    const CacheView* cache = step.caches[static_cast<std::size_t>(row)];
    int last = row + 1;
    while (last < rows && last - row < max_rows &&
           step.caches[static_cast<std::size_t>(last)] == cache) {
      ++last;
    }
    ranges_.push_back({row, last});
    row = last;
  }
}

void AttentionPlan::add_split(const RowRange& rows, const ModelConfig& config, RowRange chunks,
                              int parts) {
  const auto query_rows = static_cast<std::size_t>((rows.last - rows.first) * config.group_size());
  const std::size_t size =
      round_up(query_rows * static_cast<std::size_t>(config.head_dim + 1), std::size_t{16});
  const int count = chunks.last - chunks.first;
  for (int head = 0; head < config.num_kv_heads; ++head) {
    const int split = static_cast<int>(splits_.size());
    splits_.push_back({chunks.first, chunks.last, parts, sums_used_, size});
    sums_used_ += size * static_cast<std::size_t>(count);
    for (int part = 0; part < parts; ++part) {
      items_.push_back({rows.first, rows.last, head, split, chunks.first + count * part / parts,
                        chunks.first + count * (part + 1) / parts});
    }
  }
}

void AttentionPlan::prepare(const Step& step, const ModelConfig& config, LayerKind kind,
                            int num_threads) {
  items_.clear();
  splits_.clear();
  sums_used_ = 0;
  const int group = config.group_size();
  const int wanted = num_threads > 1 ? kItemsPerThread * num_threads : 1;
  // Few rows on many threads: shorter ranges, of whole blocks.
  const int block = ceil_div(kRowBlock, group);
  const int rows = static_cast<int>(step.positions.size());
  const int even = round_up(ceil_div(rows * config.num_kv_heads, wanted), block);
  const int most = std::max(1, max_query_rows(config.head_dim) / group);
  cut_rows(step, std::min(most, even));
  const int whole = static_cast<int>(ranges_.size()) * config.num_kv_heads;
  for (const RowRange& range : ranges_) {
    const int first = step.positions[static_cast<std::size_t>(range.first)];
    const int last = step.positions[static_cast<std::size_t>(range.last - 1)];
    const RowRange chunks{first_visible(config, kind, first) / kAttentionChunk,
                          last / kAttentionChunk + 1};
    const int query_rows = (range.last - range.first) * group;
    const bool few = query_rows <= std::min(kMaxSplitRows, max_query_rows(config.head_dim));
    const int parts = std::min(ceil_div(wanted, whole), chunks.last - chunks.first);
    if (few && parts > 1) {
      add_split(range, config, chunks, parts);
    } else {
      for (int head = 0; head < config.num_kv_heads; ++head) {
        items_.push_back({range.first, range.last, head, -1, chunks.first, chunks.last});
      }
    }
  }
  if (sums_size_ < sums_used_) {
    sums_ = std::make_unique_for_overwrite<float[]>(sums_used_);
    sums_size_ = sums_used_;
  }
  if (unfinished_size_ < splits_.size()) {
    unfinished_ = std::make_unique<std::atomic<int>[]>(splits_.size());
    unfinished_size_ = splits_.size();
  }
  for (std::size_t i = 0; i < splits_.size(); ++i) unfinished_[i].store(splits_[i].parts);
}

bool AttentionPlan::finish(const AttentionItem& item) const noexcept {
  std::atomic<int>& unfinished = unfinished_[static_cast<std::size_t>(item.split)];
  if (unfinished.fetch_sub(1, std::memory_order_acq_rel) > 1) return false;
  unfinished.store(split(item).parts, std::memory_order_relaxed);  // for the next layer
  return true;
}

}  // namespace gemma2::cpu
