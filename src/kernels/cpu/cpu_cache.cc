// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_cache.h"

#include <cstdint>
#include <cstring>

#include "kernels/cpu/kernel_table.h"
#include "quant/bf16.h"

namespace gemma2::cpu {
namespace {

/// Calls visit(key element, value element, index) for each dimension of each head of a position;
/// elements are indices into the cache's keys and values, index counts up from 0.
template <typename Visit>
void for_each_element(const CacheGeometry& geometry, const CacheView& cache, int position,
                      Visit visit) noexcept {
  const int slot = position % cache.capacity;
  const auto head_dim = static_cast<std::size_t>(geometry.head_dim);
  const auto group = static_cast<std::size_t>(slot / 16);
  const auto lane = static_cast<std::size_t>(slot % 16);
  const std::size_t step = cache.type == DType::f32 ? 1 : 2;  // elements of a 32-bit lane
  const auto row = static_cast<std::size_t>(slot) / step;
  const auto odd = static_cast<std::size_t>(slot) % step;
  const std::size_t plane = static_cast<std::size_t>(cache.capacity) * head_dim;
  std::size_t index = 0;
  for (int head = 0; head < geometry.num_kv_heads; ++head) {
    const std::size_t base = static_cast<std::size_t>(head) * plane;
    const std::size_t keys = base + group * head_dim * 16 + lane * step;
    const std::size_t values = base + row * head_dim * step + odd;
    for (std::size_t d = 0; d < head_dim; ++d, ++index) {
      visit(keys + d / step * 16 * step + d % step, values + d * step, index);
    }
  }
}

template <typename T>
T* as(std::byte* bytes) noexcept {
  return reinterpret_cast<T*>(bytes);
}

template <typename T>
void read_as(const CacheGeometry& geometry, const CacheView& cache, int position,
             std::byte* to) noexcept {
  const std::size_t width = geometry.bytes_per_position(cache.type) / 2;
  for_each_element(
      geometry, cache, position, [&](std::size_t key, std::size_t value, std::size_t i) {
        std::memcpy(to + i * sizeof(T), as<T>(cache.keys) + key, sizeof(T));
        std::memcpy(to + width + i * sizeof(T), as<T>(cache.values) + value, sizeof(T));
      });
}

template <typename T>
void write_as(const CacheGeometry& geometry, const CacheView& cache, int position,
              const std::byte* from) noexcept {
  const std::size_t width = geometry.bytes_per_position(cache.type) / 2;
  for_each_element(
      geometry, cache, position, [&](std::size_t key, std::size_t value, std::size_t i) {
        std::memcpy(as<T>(cache.keys) + key, from + i * sizeof(T), sizeof(T));
        std::memcpy(as<T>(cache.values) + value, from + width + i * sizeof(T), sizeof(T));
      });
}

}  // namespace

std::size_t CacheGeometry::tile_offset(const CacheView& cache, int kv_head,
                                       int slot) const noexcept {
  const std::size_t positions =
      static_cast<std::size_t>(kv_head) * static_cast<std::size_t>(cache.capacity) +
      static_cast<std::size_t>(slot / kAttentionTile * kAttentionTile);
  return positions * static_cast<std::size_t>(head_dim) * cache_element_bytes(cache.type);
}

void append_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                     const float* keys, const float* values) noexcept {
  if (cache.type == DType::f32) {
    for_each_element(geometry, cache, position,
                     [&](std::size_t key, std::size_t value, std::size_t i) {
                       as<float>(cache.keys)[key] = keys[i];
                       as<float>(cache.values)[value] = values[i];
                     });
  } else {
    for_each_element(geometry, cache, position,
                     [&](std::size_t key, std::size_t value, std::size_t i) {
                       as<std::uint16_t>(cache.keys)[key] = f32_to_bf16(keys[i]);
                       as<std::uint16_t>(cache.values)[value] = f32_to_bf16(values[i]);
                     });
  }
}

void read_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                   std::byte* to) noexcept {
  if (cache.type == DType::f32) {
    read_as<float>(geometry, cache, position, to);
  } else {
    read_as<std::uint16_t>(geometry, cache, position, to);
  }
}

void write_position(const CacheGeometry& geometry, const CacheView& cache, int position,
                    const std::byte* from) noexcept {
  if (cache.type == DType::f32) {
    write_as<float>(geometry, cache, position, from);
  } else {
    write_as<std::uint16_t>(geometry, cache, position, from);
  }
}

}  // namespace gemma2::cpu
