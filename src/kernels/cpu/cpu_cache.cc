// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/cpu/kernel_table.h"
#include "quant/bf16.h"

namespace gemma2::cpu {
namespace {

/// A position within its tile; `step` elements share a 32-bit lane. Offsets count elements.
struct TileSlot {
  std::size_t head_dim;
  std::size_t step;
  std::size_t i;  // 0 .. 63

  [[nodiscard]] std::size_t key(std::size_t d) const noexcept {
    return (i / 16 * head_dim + d / step * step) * 16 + i % 16 * step + d % step;
  }
  [[nodiscard]] std::size_t value(std::size_t d) const noexcept {
    const std::size_t block = d / 16 * 16;
    const std::size_t width = std::min<std::size_t>(head_dim - block, 16);
    return block * kAttentionTile + i / step * step * width + d % 16 * step + i % step;
  }
};

/// The tiles that hold a position's keys and values of one head.
struct HeadTiles {
  std::byte* keys;
  std::byte* values;
  TileSlot slot;

  HeadTiles(const CacheGeometry& geometry, const CacheView& cache, int head, int position) noexcept
      : keys(cache.keys + geometry.tile_offset(cache, head, position % cache.capacity)),
        values(cache.values + (keys - cache.keys)),
        slot{static_cast<std::size_t>(geometry.head_dim),
             cache.format == CacheFormat::bf16 ? std::size_t{2} : std::size_t{1},
             static_cast<std::size_t>(position % cache.capacity % kAttentionTile)} {}

  template <typename T>
  void store(const T* key, const T* value) const noexcept {
    for (std::size_t d = 0; d < slot.head_dim; ++d) {
      std::memcpy(keys + slot.key(d) * sizeof(T), key + d, sizeof(T));
      std::memcpy(values + slot.value(d) * sizeof(T), value + d, sizeof(T));
    }
  }
  template <typename T>
  void load(T* key, T* value) const noexcept {
    for (std::size_t d = 0; d < slot.head_dim; ++d) {
      std::memcpy(key + d, keys + slot.key(d) * sizeof(T), sizeof(T));
      std::memcpy(value + d, values + slot.value(d) * sizeof(T), sizeof(T));
    }
  }
  /// Of an int8 tile: scales stand behind the elements.
  [[nodiscard]] std::size_t scale_offset() const noexcept {
    return slot.head_dim * kAttentionTile + slot.i * sizeof(float);
  }
};

template <typename T>
void read_head(const HeadTiles& tiles, std::byte* keys, std::byte* values) noexcept {
  T key[kMaxHeadDim];
  T value[kMaxHeadDim];
  const std::size_t bytes = tiles.slot.head_dim * sizeof(T);
  tiles.load(key, value);
  std::memcpy(keys, key, bytes);
  std::memcpy(values, value, bytes);
  if constexpr (sizeof(T) == 1) {
    std::memcpy(keys + bytes, tiles.keys + tiles.scale_offset(), sizeof(float));
    std::memcpy(values + bytes, tiles.values + tiles.scale_offset(), sizeof(float));
  }
}

template <typename T>
void write_head(const HeadTiles& tiles, const std::byte* keys, const std::byte* values) noexcept {
  T key[kMaxHeadDim];
  T value[kMaxHeadDim];
  const std::size_t bytes = tiles.slot.head_dim * sizeof(T);
  std::memcpy(key, keys, bytes);
  std::memcpy(value, values, bytes);
  tiles.store(key, value);
  if constexpr (sizeof(T) == 1) {
    std::memcpy(tiles.keys + tiles.scale_offset(), keys + bytes, sizeof(float));
    std::memcpy(tiles.values + tiles.scale_offset(), values + bytes, sizeof(float));
  }
}

void append_bf16(const HeadTiles& tiles, const float* keys, const float* values) noexcept {
  std::uint16_t key[kMaxHeadDim];
  std::uint16_t value[kMaxHeadDim];
  for (std::size_t d = 0; d < tiles.slot.head_dim; ++d) {
    key[d] = f32_to_bf16(keys[d]);
    value[d] = f32_to_bf16(values[d]);
  }
  tiles.store(key, value);
}

void append_int8(const HeadTiles& tiles, const float* keys, const float* values) noexcept {
  std::int8_t key[kMaxHeadDim];
  std::int8_t value[kMaxHeadDim];
  const float key_scale = quantize_head(key, {keys, tiles.slot.head_dim});
  const float value_scale = quantize_head(value, {values, tiles.slot.head_dim});
  tiles.store(key, value);
  std::memcpy(tiles.keys + tiles.scale_offset(), &key_scale, sizeof(float));
  std::memcpy(tiles.values + tiles.scale_offset(), &value_scale, sizeof(float));
}

}  // namespace

std::size_t CacheGeometry::tile_offset(const CacheView& cache, int kv_head,
                                       int slot) const noexcept {
  const std::size_t positions =
      static_cast<std::size_t>(kv_head) * static_cast<std::size_t>(cache.capacity) +
      static_cast<std::size_t>(slot / kAttentionTile * kAttentionTile);
  return positions * head_bytes(cache.format);
}

float quantize_head(std::int8_t* out, std::span<const float> x) noexcept {
  constexpr float kSmallest = 1e-30F;  // below, 127 / amax might overflow
  // As integers, absolute values compare like numbers, and NaN is above infinity.
  std::uint32_t largest = 0;
  for (const float value : x) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU);
  }
  const auto amax = std::bit_cast<float>(largest);
  if (!(amax >= kSmallest) || amax > std::numeric_limits<float>::max()) {
    std::fill_n(out, x.size(), std::int8_t{0});
    return amax < kSmallest ? 0.0F : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = 127.0F / amax;
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: the sum has no fraction bits
  for (std::size_t d = 0; d < x.size(); ++d) {
    out[d] = static_cast<std::int8_t>(static_cast<int>((x[d] * inverse + kMagic) - kMagic));
  }
  return amax / 127.0F;
}

void append_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                     const float* keys, const float* values) noexcept {
  for (int head = 0; head < geometry.num_kv_heads; ++head) {
    const HeadTiles tiles(geometry, cache, head, position);
    const float* key = keys + head * geometry.head_dim;
    const float* value = values + head * geometry.head_dim;
    switch (cache.format) {
      case CacheFormat::f32:
        tiles.store(key, value);
        break;
      case CacheFormat::bf16:
        append_bf16(tiles, key, value);
        break;
      case CacheFormat::int8:
        append_int8(tiles, key, value);
        break;
    }
  }
}

void read_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                   std::byte* to) noexcept {
  const std::size_t bytes = geometry.head_bytes(cache.format);
  for (int head = 0; head < geometry.num_kv_heads; ++head) {
    const HeadTiles tiles(geometry, cache, head, position);
    std::byte* keys = to + static_cast<std::size_t>(head) * bytes;
    std::byte* values = keys + static_cast<std::size_t>(geometry.num_kv_heads) * bytes;
    switch (cache.format) {
      case CacheFormat::f32:
        read_head<float>(tiles, keys, values);
        break;
      case CacheFormat::bf16:
        read_head<std::uint16_t>(tiles, keys, values);
        break;
      case CacheFormat::int8:
        read_head<std::int8_t>(tiles, keys, values);
        break;
    }
  }
}

void write_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                    const std::byte* from) noexcept {
  const std::size_t bytes = geometry.head_bytes(cache.format);
  for (int head = 0; head < geometry.num_kv_heads; ++head) {
    const HeadTiles tiles(geometry, cache, head, position);
    const std::byte* keys = from + static_cast<std::size_t>(head) * bytes;
    const std::byte* values = keys + static_cast<std::size_t>(geometry.num_kv_heads) * bytes;
    switch (cache.format) {
      case CacheFormat::f32:
        write_head<float>(tiles, keys, values);
        break;
      case CacheFormat::bf16:
        write_head<std::uint16_t>(tiles, keys, values);
        break;
      case CacheFormat::int8:
        write_head<std::int8_t>(tiles, keys, values);
        break;
    }
  }
}

}  // namespace gemma2::cpu
