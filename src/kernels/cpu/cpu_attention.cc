// SPDX-License-Identifier: Apache-2.0
//
// Attention: a thread claims a few rows of one sequence and one key/value head, and walks the tiles
// of absolute positions that those rows see. Tiles of 64 positions add up inside chunks of 256,
// chunks are then added in ascending order: the decomposition is a function of the positions alone,
// so a prompt in one piece, in pieces, or token by token gives the same bits.
#include <algorithm>
#include <cstring>

#include "kernels/cpu/attention_plan.h"
#include "kernels/cpu/cpu_backend.h"

namespace gemma2::cpu {
namespace {

/// Query rows of one walk, and what they have gathered.
struct QueryBlock {
  int rows = 0;
  int first_visible[kMaxQueryRows];  // absolute positions, both included
  int last_visible[kMaxQueryRows];
  float* target[kMaxQueryRows];
  float query[kMaxQueryFloats];  // scaled
  float out[kMaxQueryFloats];
  float sum[kMaxQueryRows];
};

/// Sums of one chunk.
struct ChunkSums {
  float out[kMaxQueryFloats];
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

  [[nodiscard]] std::size_t width() const noexcept {
    return static_cast<std::size_t>(geometry.head_dim);
  }

  void add_tile(const QueryBlock& block, ChunkSums& chunk, int tile_begin) const noexcept {
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
    kernels.weights(weights, block.query, width(), block.rows, geometry.head_dim,
                    cache.keys + offset, visible, cap);
    kernels.mix(chunk.out, chunk.lanes, weights, block.rows, geometry.head_dim,
                cache.values + offset, visible);
  }

  void sum_chunk(const QueryBlock& block, ChunkSums& chunk, int index) const noexcept {
    const auto rows = static_cast<std::size_t>(block.rows);
    std::memset(chunk.out, 0, rows * width() * sizeof(float));
    std::memset(chunk.lanes, 0, rows * 16 * sizeof(float));
    for (int tile = 0; tile < kAttentionChunk; tile += kAttentionTile) {
      add_tile(block, chunk, index * kAttentionChunk + tile);
    }
  }

  static bool sees(const QueryBlock& block, int row, int chunk) noexcept {
    return block.first_visible[row] / kAttentionChunk <= chunk &&
           block.last_visible[row] / kAttentionChunk >= chunk;
  }

  void add(QueryBlock& block, int row, const float* out, float sum) const noexcept {
    block.sum[row] += sum;
    float* to = block.out + static_cast<std::size_t>(row) * width();
    for (std::size_t d = 0; d < width(); ++d) to[d] += out[d];
  }

  void begin(QueryBlock& block) const noexcept {
    std::memset(block.out, 0, static_cast<std::size_t>(block.rows) * width() * sizeof(float));
    std::fill_n(block.sum, block.rows, 0.0F);
  }

  void end(const QueryBlock& block) const noexcept {
    for (int r = 0; r < block.rows; ++r) {
      const float* from = block.out + static_cast<std::size_t>(r) * width();
      for (std::size_t d = 0; d < width(); ++d) block.target[r][d] = from[d] / block.sum[r];
    }
  }

  void attend(QueryBlock& block) const noexcept {
    begin(block);
    const int first = *std::min_element(block.first_visible, block.first_visible + block.rows);
    const int last = *std::max_element(block.last_visible, block.last_visible + block.rows);
    ChunkSums chunk;
    for (int index = first / kAttentionChunk; index <= last / kAttentionChunk; ++index) {
      sum_chunk(block, chunk, index);
      for (int r = 0; r < block.rows; ++r) {
        if (!sees(block, r, index)) continue;
        add(block, r, chunk.out + static_cast<std::size_t>(r) * width(),
            table.reduce16(chunk.lanes + 16 * r));
      }
    }
    end(block);
  }

  void attend_part(QueryBlock& block, const AttentionPlan& plan,
                   const AttentionItem& item) const noexcept {
    const AttentionPlan::Split& split = plan.split(item);
    const std::size_t size = static_cast<std::size_t>(block.rows) * width();
    ChunkSums chunk;
    for (int index = item.first_chunk; index < item.last_chunk; ++index) {
      sum_chunk(block, chunk, index);
      float* sums = plan.chunk_sums(split, index);
      std::memcpy(sums, chunk.out, size * sizeof(float));
      for (int r = 0; r < block.rows; ++r) sums[size + r] = table.reduce16(chunk.lanes + 16 * r);
    }
    if (!plan.finish(item)) return;
    begin(block);
    for (int index = split.first_chunk; index < split.last_chunk; ++index) {
      const float* sums = plan.chunk_sums(split, index);
      for (int r = 0; r < block.rows; ++r) {
        if (!sees(block, r, index)) continue;
        add(block, r, sums + static_cast<std::size_t>(r) * width(), sums[size + r]);
      }
    }
    end(block);
  }
};

const AttentionKernels& kernels_of(const KernelTable& table, CacheFormat format,
                                   bool precise) noexcept {
  switch (format) {
    case CacheFormat::f32:
      return table.attention_f32;
    case CacheFormat::bf16:
      return precise ? table.attention_bf16_fma : table.attention_bf16;
    case CacheFormat::int8:
      break;
  }
  return table.attention_int8;
}

}  // namespace

void CpuBackend::attend(const AttentionItem& item, Rows out, Rows qkv, int layer) const noexcept {
  const CacheView& cache = step_.caches[static_cast<std::size_t>(item.first_row)][layer];
  const CacheWalk walk{table_,       kernels_of(table_, cache.format, options_.precise),
                       geometry_,    cache,
                       item.kv_head, config_.attention_soft_cap};
  const int head_dim = config_.head_dim;
  const int max_rows = max_query_rows(head_dim);
  const int first_head = item.kv_head * config_.group_size();
  QueryBlock block;
  for (int row = item.first_row; row < item.last_row; ++row) {
    const int position = step_.positions[static_cast<std::size_t>(row)];
    for (int head = first_head; head < first_head + config_.group_size(); ++head) {
      if (block.rows == max_rows) {
        walk.attend(block);
        block.rows = 0;
      }
      const int r = block.rows++;
      block.last_visible[r] = position;
      block.first_visible[r] = first_visible(config_, config_.layer_kind(layer), position);
      block.target[r] = out.row(row) + head * head_dim;
      const float* query = qkv.row(row) + head * head_dim;
      for (int d = 0; d < head_dim; ++d) {
        block.query[r * head_dim + d] = query[d] * config_.query_scale;
      }
    }
  }
  if (item.split >= 0) {
    walk.attend_part(block, plan_of(layer), item);
  } else {
    walk.attend(block);
  }
}

void CpuBackend::attention(Rows out, Rows qkv, int layer) {
  const int count = plan_of(layer).count();
  enqueue({count, 1, [this, out, qkv, layer](int first, int last, int) {
             const AttentionPlan& plan = plan_of(layer);
             for (int i = first; i < last; ++i) attend(plan.item(i), out, qkv, layer);
           }});
}

}  // namespace gemma2::cpu
