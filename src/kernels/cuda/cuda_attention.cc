// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/tiles.h"
#include "kernels/rope_frequencies.h"

namespace gemma2::cuda {
namespace {

/// [positions][head_dim]: cosines, then sines.
std::vector<float> make_angles(const ModelConfig& config, int positions) {
  const std::vector<double> frequencies = rope_frequencies(config);
  std::vector<float> angles;
  angles.reserve(static_cast<std::size_t>(positions) * 2 * frequencies.size());
  for (int position = 0; position < positions; ++position) {
    for (const double frequency : frequencies) {
      angles.push_back(static_cast<float>(std::cos(position * frequency)));
    }
    for (const double frequency : frequencies) {
      angles.push_back(static_cast<float>(std::sin(position * frequency)));
    }
  }
  return angles;
}

}  // namespace

void CudaBackend::reserve_angles(int positions) {
  if (positions <= num_angles_) return;
  constexpr int kLeast = 1024;
  const int wanted =
      std::max(kLeast, static_cast<int>(std::bit_ceil(static_cast<unsigned>(positions))));
  const std::vector<float> angles = make_angles(config_, wanted);
  num_angles_ = 0;  // should there be no room for more
  angles_ = {};
  angles_ = allocate(angles.size() * sizeof(float), "angles");
  stream_.copy_in(angles_.data(), angles.data(), angles_.size(), "copy angles");
  num_angles_ = wanted;
  queue_.forget_graphs();
}

AttentionShape CudaBackend::shape_of(int layer, CacheFormat format) const noexcept {
  AttentionShape shape;
  shape.num_heads = config_.num_heads;
  shape.num_kv_heads = config_.num_kv_heads;
  shape.head_dim = config_.head_dim;
  shape.window = config_.is_local(layer) ? config_.sliding_window : 0;
  shape.query_scale = config_.query_scale;
  shape.soft_cap = config_.attention_soft_cap;
  shape.format = format;
  return shape;
}

RopeAppend CudaBackend::rope_of(const Product& work, int layer) const noexcept {
  RopeAppend rope;
  rope.rows = work.rows;
  rope.qkv = work.out;
  rope.angles = angles_.as<float>();
  rope.positions = table_.positions();
  rope.caches = table_.caches(layer);
  rope.shape = shape_of(layer, CacheFormat::bf16);
  rope.starts_early = early_starts_;
  return rope;
}

void CudaBackend::rope_append(Rows qkv, int layer) {
  if (product_.rows != 0 && product_.out.data == qkv.data && table_.all_bf16()) {
    Product fused = product_;
    fused.kind = ProductKind::heads;
    fused.heads = rope_of(fused, layer);
    if (norms_inside(fused)) {
      product_ = {};
      return enqueue_few(fused);
    }
  }
  flush_product();
  Product rows;
  rows.rows = qkv.rows;
  rows.out = {qkv.data, qkv.stride};
  const RopeAppend rope = rope_of(rows, layer);
  queue_.add([this, rope] { launch_rope_append(stream_.get(), rope); }, qkv.data, qkv.rows, layer,
             rope.caches);
}

void CudaBackend::attend(const Attention& attention, const TileList& list, int layer,
                         bool many_rows) {
  if (list.count == 0) return;
  Attention work = attention;
  work.tiles = list.tiles;
  work.num_tiles = list.count;
  work.starts_early = early_starts_;
  if (many_rows) {
    const bool by_groups = hopper_.attention && has_hopper_attention(work.shape);
    queue_.add(
        [this, work, by_groups] {
          (by_groups ? launch_attention_hopper : launch_attention_many)(stream_.get(), work);
        },
        layer, work.tiles, work.num_tiles, work.shape.format);
    return;
  }
  // In powers of two, so that a recorded step serves many positions.
  const int exact = list.max_chunks[static_cast<int>(config_.layer_kind(layer))];
  const int chunks = static_cast<int>(std::bit_ceil(static_cast<unsigned>(exact)));
  const AttentionScratch scratch{attention_sums_.as<float>(), attention_counters_.as<unsigned>()};
  queue_.add(
      [this, work, chunks, scratch] { launch_attention_few(stream_.get(), work, chunks, scratch); },
      layer, work.tiles, work.num_tiles, work.shape.format, chunks);
}

void CudaBackend::attention(Rows out, Rows qkv, int layer) {
  flush_product();
  Attention work;
  work.qkv = {qkv.data, qkv.stride};
  work.out = {reinterpret_cast<std::byte*>(out.data), padded_columns(out.cols)};
  work.caches = table_.caches(layer);
  for (const CacheFormat format : {CacheFormat::bf16, CacheFormat::int8}) {
    work.shape = shape_of(layer, format);
    attend(work, table_.tiles(false, format), layer, false);
    attend(work, table_.tiles(true, format), layer, true);
  }
}

/// The largest that the step's layers need, so that all of them share it.
void CudaBackend::reserve_attention(const TileList& few, CacheFormat format) {
  if (few.count == 0) return;
  const AttentionShape shape = shape_of(0, format);
  const int chunks = static_cast<int>(
      std::bit_ceil(static_cast<unsigned>(std::max(few.max_chunks[0], few.max_chunks[1]))));
  const std::size_t sums = attention_scratch_floats(shape, few.count, chunks) * sizeof(float);
  const std::size_t counters = static_cast<std::size_t>(few.count) *
                               static_cast<std::size_t>(shape.num_kv_heads) * sizeof(unsigned);
  if (sums <= attention_sums_.size() && counters <= attention_counters_.size()) return;
  stream_.wait();
  if (sums > attention_sums_.size()) {
    attention_sums_ = {};
    attention_sums_ = allocate(std::bit_ceil(sums), "attention's sums");
  }
  if (counters > attention_counters_.size()) {
    attention_counters_ = {};
    attention_counters_ = allocate(std::bit_ceil(counters), "attention's counters");
    fill_zero(attention_counters_);
  }
  queue_.forget_graphs();
}

}  // namespace gemma2::cuda
