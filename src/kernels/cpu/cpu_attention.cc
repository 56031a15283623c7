// SPDX-License-Identifier: Apache-2.0
//
// Attention: a thread claims a few rows of one sequence and one key/value head, and walks the tiles
// of absolute positions that those rows see. Tiles of 64 positions add up inside chunks of 256,
// chunks are then added in ascending order: the decomposition is a function of the positions alone,
// so a prompt in one piece, in pieces, or token by token gives the same bits.
#include <algorithm>
#include <cstring>

#include "checked_math.h"
#include "kernels/cpu/cpu_backend.h"

namespace gemma2::cpu {
namespace {

constexpr int kMaxHeadDim = 1024;  // as ModelConfig::validate() has it
constexpr int kMaxQueryRows = 16;  // query rows that share one walk over the cache

/// Query rows of one walk, and what they have gathered.
struct QueryBlock {
  int rows = 0;
  int first_visible[kMaxQueryRows];  // absolute positions, both included
  int last_visible[kMaxQueryRows];
  float* target[kMaxQueryRows];
  float query[kMaxQueryRows * kMaxHeadDim];  // scaled
  float out[kMaxQueryRows * kMaxHeadDim];
  float sum[kMaxQueryRows];
};

/// Sums of one chunk.
struct ChunkSums {
  float out[kMaxQueryRows * kMaxHeadDim];
  float lanes[kMaxQueryRows * 16];
};

/// One layer's cache of one sequence and head, as the kernels see it.
struct CacheWalk {
  const KernelTable& table;
  const AttentionKernels& kernels;
  const CacheGeometry& geometry;
  const CacheView& cache;
  int kv_head;
  float cap;

  void add_tile(QueryBlock& block, ChunkSums& chunk, int tile_begin) const noexcept {
    Visible visible[kMaxQueryRows];
    bool any = false;
    for (int r = 0; r < block.rows; ++r) {
      visible[r].first = std::clamp(block.first_visible[r] - tile_begin, 0, kAttentionTile);
      visible[r].last = std::clamp(block.last_visible[r] + 1 - tile_begin, 0, kAttentionTile);
      any = any || visible[r].first < visible[r].last;
    }
    if (!any) return;
    const std::size_t offset = geometry.tile_offset(cache, kv_head, tile_begin % cache.capacity);
    float weights[kMaxQueryRows * kAttentionTile];
    const int head_dim = geometry.head_dim;
    kernels.weights(weights, block.query, static_cast<std::size_t>(head_dim), block.rows, head_dim,
                    cache.keys + offset, visible, cap);
    kernels.mix(chunk.out, chunk.lanes, weights, block.rows, head_dim, cache.values + offset,
                visible);
  }

  void add_chunk(QueryBlock& block, ChunkSums& chunk, int chunk_begin) const noexcept {
    const auto width = static_cast<std::size_t>(geometry.head_dim);
    std::memset(chunk.out, 0, static_cast<std::size_t>(block.rows) * width * sizeof(float));
    std::memset(chunk.lanes, 0, sizeof(chunk.lanes));
    for (int tile = 0; tile < kAttentionChunk; tile += kAttentionTile) {
      add_tile(block, chunk, chunk_begin + tile);
    }
    for (int r = 0; r < block.rows; ++r) {
      const bool sees = block.first_visible[r] < chunk_begin + kAttentionChunk &&
                        block.last_visible[r] >= chunk_begin;
      if (!sees) continue;
      block.sum[r] += table.reduce16(chunk.lanes + 16 * r);
      const std::size_t base = static_cast<std::size_t>(r) * width;
      for (std::size_t d = 0; d < width; ++d) block.out[base + d] += chunk.out[base + d];
    }
  }

  void attend(QueryBlock& block) const noexcept {
    const auto width = static_cast<std::size_t>(geometry.head_dim);
    std::memset(block.out, 0, static_cast<std::size_t>(block.rows) * width * sizeof(float));
    std::fill_n(block.sum, block.rows, 0.0F);
    const int first = *std::min_element(block.first_visible, block.first_visible + block.rows);
    const int last = *std::max_element(block.last_visible, block.last_visible + block.rows);
    ChunkSums chunk;
    for (int begin = first / kAttentionChunk * kAttentionChunk; begin <= last;
         begin += kAttentionChunk) {
      add_chunk(block, chunk, begin);
    }
    for (int r = 0; r < block.rows; ++r) {
      const std::size_t base = static_cast<std::size_t>(r) * width;
      for (std::size_t d = 0; d < width; ++d) {
        block.target[r][d] = block.out[base + d] / block.sum[r];
      }
    }
    block.rows = 0;
  }
};

}  // namespace

void CpuBackend::attend(const AttentionItem& item, Rows out, Rows qkv, int layer) const noexcept {
  const CacheView& cache = step_.caches[static_cast<std::size_t>(item.first_row)][layer];
  const CacheWalk walk{
      table_,       cache.type == DType::f32 ? table_.attention_f32 : table_.attention_bf16,
      geometry_,    cache,
      item.kv_head, config_.attention_soft_cap};
  const int head_dim = config_.head_dim;
  const int first_head = item.kv_head * config_.group_size();
  QueryBlock block;
  for (int row = item.first_row; row < item.last_row; ++row) {
    const int position = step_.positions[static_cast<std::size_t>(row)];
    for (int head = first_head; head < first_head + config_.group_size(); ++head) {
      const int r = block.rows++;
      block.last_visible[r] = position;
      block.first_visible[r] =
          config_.is_local(layer) ? std::max(0, position - config_.sliding_window + 1) : 0;
      block.target[r] = out.row(row) + head * head_dim;
      const float* query = qkv.row(row) + head * head_dim;
      for (int d = 0; d < head_dim; ++d) {
        block.query[r * head_dim + d] = query[d] * config_.query_scale;
      }
      if (block.rows == kMaxQueryRows) walk.attend(block);
    }
  }
  if (block.rows > 0) walk.attend(block);
}

void CpuBackend::list_attention_items() {
  attention_items_.clear();
  const int rows = static_cast<int>(step_.caches.size());
  const int rows_per_item = std::max(1, kMaxQueryRows / config_.group_size());
  for (int row = 0; row < rows;) {
    const CacheView* cache = step_.caches[static_cast<std::size_t>(row)];
    int last = row + 1;
    while (last < rows && last - row < rows_per_item &&
           step_.caches[static_cast<std::size_t>(last)] == cache) {
      ++last;
    }
    for (int head = 0; head < config_.num_kv_heads; ++head) {
      attention_items_.push_back({row, last, head});
    }
    row = last;
  }
}

void CpuBackend::attention(Rows out, Rows qkv, int layer) {
  enqueue({static_cast<int>(attention_items_.size()), 1,
           [this, out, qkv, layer](int first, int last, int) {
             for (int i = first; i < last; ++i) {
               attend(attention_items_[static_cast<std::size_t>(i)], out, qkv, layer);
             }
           }});
}

}  // namespace gemma2::cpu
