// SPDX-License-Identifier: Apache-2.0
#include "attention_cases.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "kernels/cuda/cache_tiles.h"
#include "quant/bf16.h"

namespace gemma2::cuda {
namespace {

constexpr float kQueryScale = 0.0625F;
constexpr float kSoftCap = 50;
constexpr int kKvHeads = 2;
constexpr std::byte kUntouched{0xA5};

std::vector<float> normal_values(int count, float scale, std::seed_seq seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = draw(engine) * scale;
  return values;
}

std::size_t plane_bytes(const AttentionShape& shape, int capacity) {
  return cache_tile_offset(shape.format, shape.head_dim, capacity, kKvHeads, 0);
}

/// Padded to whole blocks, and one more, to be zeroed.
int padded_cols(const AttentionShape& shape) {
  return (shape.num_heads * shape.head_dim + kBlockCols - 1) / kBlockCols * kBlockCols + kBlockCols;
}

}  // namespace

AttentionShape make_shape(int head_dim, CacheFormat format, int group, int window) {
  return {.num_heads = kKvHeads * group,
          .num_kv_heads = kKvHeads,
          .head_dim = head_dim,
          .window = window,
          .query_scale = kQueryScale,
          .soft_cap = kSoftCap,
          .format = format};
}

CachedSequence::CachedSequence(const AttentionShape& shape, int capacity, int length,
                               std::uint32_t seed, Values kind)
    : shape_(shape),
      capacity_(capacity),
      seed_(seed),
      keys_(static_cast<std::size_t>(kKvHeads * capacity * shape.head_dim)),
      values_(keys_.size()),
      key_tiles_(plane_bytes(shape, capacity)),
      value_tiles_(plane_bytes(shape, capacity)) {
  std::vector<std::byte> keys(key_tiles_.size(), std::byte{0xFF});
  std::vector<std::byte> values(keys);
  for (int position = 0; position < length; ++position) {
    const bool large = kind == Values::cancelling && position % 7 != 0;
    const bool taken_back = large && position / kAttentionChunk % 2 == 1;
    const int source = taken_back ? position - kAttentionChunk : position;
    for (int head = 0; head < kKvHeads; ++head) {
      const auto draw = [&](std::uint32_t what, float scale) {
        return normal_values(
            shape.head_dim, scale,
            {seed, what, static_cast<std::uint32_t>(source), static_cast<std::uint32_t>(head)});
      };
      store(keys, keys_, head, position, draw(1, 2));
      store(values, values_, head, position,
            draw(2, taken_back ? -1000.0F
                    : large    ? 1000.0F
                               : 1.0F));
    }
  }
  key_tiles_.set(keys);
  value_tiles_.set(values);
}

CachePlace CachedSequence::place() const {
  return {key_tiles_.data(), value_tiles_.data(), capacity_, shape_.format};
}

std::size_t CachedSequence::index(int head, int position) const {
  return static_cast<std::size_t>((head * capacity_ + position % capacity_) * shape_.head_dim);
}
const float* CachedSequence::key(int head, int position) const {
  return keys_.data() + index(head, position);
}
const float* CachedSequence::value(int head, int position) const {
  return values_.data() + index(head, position);
}

void CachedSequence::store(std::vector<std::byte>& plane, std::vector<float>& exact, int head,
                           int position, const std::vector<float>& from) {
  const int slot = position % capacity_;
  const int row = slot % kCacheTile;
  std::byte* tile =
      plane.data() + cache_tile_offset(shape_.format, shape_.head_dim, capacity_, head, slot);
  float* kept = exact.data() + index(head, position);
  float amax = 0;
  for (const float x : from) amax = std::max(amax, std::fabs(x));
  // As the cache's rule has it, a head with something that is no number is NaN times zeros.
  const bool spoilt = std::ranges::any_of(from, [](float x) { return !std::isfinite(x); });
  const float scale = spoilt ? std::nanf("") : amax / 127;
  for (int d = 0; d < shape_.head_dim; ++d) {
    const float x = from[static_cast<std::size_t>(d)];
    if (shape_.format == CacheFormat::int8) {
      const auto byte = static_cast<std::int8_t>(spoilt ? 0 : std::nearbyint(x / scale));
      std::memcpy(tile + cache_int8_offset(shape_.head_dim, row, d), &byte, 1);
      kept[d] = static_cast<float>(byte) * scale;
    } else {
      const std::uint16_t bits = f32_to_bf16(x);
      std::memcpy(tile + cache_bf16_offset(row, d), &bits, 2);
      kept[d] = bf16_to_f32(bits);
    }
  }
  if (shape_.format == CacheFormat::int8) {
    std::memcpy(tile + cache_scale_offset(shape_.head_dim, row), &scale, sizeof(scale));
  }
}

void CachedSequence::spoil_value(int head, int position, float with) {
  std::vector<std::byte> plane = value_tiles_.get();
  std::vector<float> spoiled(value(head, position), value(head, position) + shape_.head_dim);
  spoiled[0] = with;
  store(plane, values_, head, position, spoiled);
  value_tiles_.set(plane);
}

std::vector<float> query_of(const AttentionShape& shape, std::uint32_t seed, int position) {
  // Some rows have large queries: their scores reach the cap.
  const float scale = position % 3 == 0 ? 12.0F : 1.5F;
  return normal_values(shape.num_heads * shape.head_dim, scale,
                       {seed, 3U, static_cast<std::uint32_t>(position)});
}

namespace {

/// A launch's rows, one tile after another, with a row that belongs to no tile between them.
struct Launched {
  std::vector<float> qkv;
  std::vector<QueryTile> tiles;
  std::vector<CachePlace> caches;
  int rows = 0;
  int max_chunks = 1;

  Launched(const AttentionShape& shape, const std::vector<TileOfSequence>& from) {
    const int cols = (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim;
    for (const TileOfSequence& tile : from) {
      tiles.push_back({rows, tile.rows, tile.first});
      rows += tile.rows + 1;
      qkv.resize(static_cast<std::size_t>(rows * cols), std::nanf(""));
      caches.resize(static_cast<std::size_t>(rows), tile.sequence->place());
      for (int i = 0; i < tile.rows; ++i) {
        std::ranges::copy(query_of(shape, tile.sequence->seed(), tile.first + i),
                          qkv.begin() + (tiles.back().first_row + i) * cols);
      }
      max_chunks = std::max(max_chunks, (tile.first + tile.rows - 1) / kAttentionChunk + 1);
    }
    tiles.push_back({});  // none: to be skipped
  }
};

void launch(Kernel kernel, const Attention& work, int max_chunks) {
  if (kernel != Kernel::few) {
    (kernel == Kernel::many ? launch_attention_many : launch_attention_hopper)(nullptr, work);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return;
  }
  const CardArray<float> sums(attention_scratch_floats(work.shape, work.num_tiles, max_chunks));
  const std::vector<unsigned> zeros(
      static_cast<std::size_t>(work.num_tiles * work.shape.num_kv_heads));
  const CardArray<unsigned> counters(zeros);
  launch_attention_few(nullptr, work, max_chunks, {sums.data(), counters.data()});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(counters.get(), zeros);
}

}  // namespace

RowBits attend(const AttentionShape& shape, Kernel kernel,
               const std::vector<TileOfSequence>& from) {
  const Launched launched(shape, from);
  const int cols = shape.num_heads * shape.head_dim;
  const int padded = padded_cols(shape);
  const int row_tiles = (launched.rows + kTileRows - 1) / kTileRows;
  std::vector<std::byte> bytes(static_cast<std::size_t>(row_tiles * kTileRows * padded * 2),
                               kUntouched);
  const CardArray<std::byte> out(bytes);
  const CardArray<float> qkv(launched.qkv);
  const CardArray<QueryTile> tiles(launched.tiles);
  const CardArray<CachePlace> caches(launched.caches);
  Attention work;
  work.qkv = {qkv.data(), (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim};
  work.out = {out.data(), padded};
  work.tiles = tiles.data();
  work.num_tiles = static_cast<int>(launched.tiles.size());
  work.caches = caches.data();
  work.shape = shape;
  launch(kernel, work, launched.max_chunks);

  bytes = out.get();
  RowBits rows;
  const auto take = [&](int row, int col) {
    std::uint16_t bits = 0;
    std::byte* place = bytes.data() + element_offset(row, col, padded);
    std::memcpy(&bits, place, 2);
    std::memset(place, static_cast<int>(kUntouched), 2);
    return bits;
  };
  for (std::size_t t = 0; t < from.size(); ++t) {
    for (int i = 0; i < from[t].rows; ++i) {
      std::vector<std::uint16_t>& row = rows[{from[t].sequence, from[t].first + i}];
      for (int col = 0; col < cols; ++col)
        row.push_back(take(launched.tiles[t].first_row + i, col));
      for (int col = cols; col < padded; ++col) {
        EXPECT_EQ(take(launched.tiles[t].first_row + i, col), 0) << "padding column " << col;
      }
    }
  }
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == kUntouched; }));
  return rows;
}

std::vector<TileOfSequence> tiles_of(const CachedSequence& sequence, int first, int last,
                                     int rows) {
  std::vector<TileOfSequence> tiles;
  for (; first < last; first += rows) {
    tiles.push_back({&sequence, first, std::min(rows, last - first)});
  }
  return tiles;
}

std::vector<Expected> attend_plainly(const AttentionShape& shape, const CachedSequence& sequence,
                                     int position) {
  // A bf16 has 8 significant bits: it is within 2^-8 of its size of what it was rounded from.
  // That happens to every weight where it multiplies a value and where it is counted, and to the
  // output. Queries are rounded alike here, since that rounding is part of what is asked for.
  constexpr double kBf16Roundings = 3.0 / 256;
  // float32 rounds each step of a score's sum, and the exponent, which is below 72 in magnitude;
  // the weight's relative error is the exponent's absolute one. Two weights' errors meet in a
  // quotient.
  constexpr double kFloat = 1.0 / (1 << 24);
  const int group = shape.num_heads / shape.num_kv_heads;
  const int first = shape.window > 0 ? std::max(0, position - shape.window + 1) : 0;
  const std::vector<float> query = query_of(shape, sequence.seed(), position);
  std::vector<Expected> out;
  for (int head = 0; head < shape.num_heads; ++head) {
    const float* q = query.data() + head * shape.head_dim;
    std::vector<double> sum(static_cast<std::size_t>(shape.head_dim));
    std::vector<double> magnitude(sum.size());
    double weights = 0;
    double largest = 0;
    for (int p = first; p <= position; ++p) {
      const float* k = sequence.key(head / group, p);
      const float* v = sequence.value(head / group, p);
      double score = 0;
      double absolute = 0;
      for (int d = 0; d < shape.head_dim; ++d) {
        const double product = static_cast<double>(bf16_to_f32(f32_to_bf16(q[d]))) * k[d];
        score += product;
        absolute += std::fabs(product);
      }
      largest = std::max(largest, absolute * shape.query_scale);
      const double weight =
          std::exp(shape.soft_cap * std::tanh(score * shape.query_scale / shape.soft_cap));
      weights += weight;
      for (int d = 0; d < shape.head_dim; ++d) {
        sum[static_cast<std::size_t>(d)] += weight * v[d];
        magnitude[static_cast<std::size_t>(d)] += weight * std::fabs(v[d]);
      }
    }
    const double float_error =
        2 * kFloat * (shape.head_dim * largest + 8 * 72 + (position - first + 1));
    for (std::size_t d = 0; d < sum.size(); ++d) {
      out.push_back({sum[d] / weights, (kBf16Roundings + float_error) * magnitude[d] / weights});
    }
  }
  return out;
}

}  // namespace gemma2::cuda
