// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/families.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/cuda/cache_tiles.h"
#include "kernels/cuda/tiles.h"

namespace gemma2::cuda {
namespace {

constexpr const char* kQuestion = "a question to the card";
constexpr int kHopper = 90;

using Words = std::vector<std::uint32_t>;

/// Finite bf16 numbers, two in each word: any sign and fraction, exponents of `spread` octaves
/// around 2^`center`.
Words numbers(std::size_t words, std::uint32_t seed, std::uint32_t spread, int center) {
  Words made(words);
  std::uint32_t state = seed;
  const std::uint32_t lowest = static_cast<std::uint32_t>(127 + center) - spread / 2;
  const auto next = [&state, spread, lowest] {
    state = state * 1664525U + 1013904223U;
    const std::uint32_t exponent = lowest + (state >> 9) % spread;
    return ((state >> 8) & 0x8000U) | (exponent << 7) | ((state >> 24) & 0x7FU);
  };
  for (std::uint32_t& word : made) {
    const std::uint32_t low = next();
    word = low | (next() << 16);
  }
  return made;
}

template <typename T>
CardBuffer on_card(const Stream& stream, const std::vector<T>& values) {
  CardBuffer buffer(values.size() * sizeof(T), kQuestion);
  stream.copy_in(buffer.data(), values.data(), buffer.size(), kQuestion);
  return buffer;
}

/// What a kernel leaves in `out`, which is cleared before.
template <typename Run>
Words answer(const Stream& stream, const CardBuffer& out, Run run) {
  require_success(cudaMemsetAsync(out.data(), 0, out.size(), stream.get()), kQuestion);
  run();
  Words words(out.size() / 4);
  stream.copy_out(words.data(), out.data(), out.size(), kQuestion);
  return words;
}

bool products_agree(const Stream& stream, const BlockLimits& limits) {
  constexpr int kRows = 128;
  constexpr int kOutputs = 128;
  constexpr int kCols = 2048;
  const CardBuffer out(std::size_t{kRows} * kOutputs * sizeof(float), kQuestion);
  // Of few octaves every product counts; of many, most fall below the largest one's last bit.
  for (const std::uint32_t spread : {1U, 4U, 12U, 40U}) {
    const CardBuffer weights =
        on_card(stream, numbers(std::size_t{kOutputs} * kCols / 2, 1 + spread, spread, 0));
    const CardBuffer rows =
        on_card(stream, numbers(std::size_t{kRows} * kCols / 2, 2 + spread, spread, 0));
    Product work;
    work.rows = kRows;
    work.weights.part[0] = {DType::bf16, kOutputs, kCols, weights.data()};
    work.weights.count = 1;
    work.x = {rows.data(), kCols};
    work.out = {out.as<float>(), kOutputs};
    const auto by_warps = [&] { launch_product_many(stream.get(), work, limits); };
    const auto by_groups = [&] { launch_product_hopper(stream.get(), work, limits); };
    if (answer(stream, out, by_warps) != answer(stream, out, by_groups)) return false;
  }
  return true;
}

/// Tiles of at most `most` rows, each row the position of its number plus `before`.
std::vector<QueryTile> cut(int rows, int most, int before) {
  std::vector<QueryTile> tiles;
  for (int row = 0; row < rows; row += most) {
    tiles.push_back({row, std::min(most, rows - row), before + row});
  }
  return tiles;
}

bool attention_agrees(const Stream& stream, const AttentionShape& shape) {
  constexpr int kRows = 128;
  constexpr int kBefore = 300;
  constexpr int kCapacity = 512;
  const int width = (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim;
  const int padded = padded_columns(shape.num_heads * shape.head_dim);
  const std::size_t plane = static_cast<std::size_t>(shape.num_kv_heads) * kCapacity *
                            cache_head_bytes(CacheFormat::bf16, shape.head_dim);
  const CardBuffer keys = on_card(stream, numbers(plane / 4, 3, 4, 0));
  const CardBuffer values = on_card(stream, numbers(plane / 4, 4, 12, 0));
  Words queries = numbers(std::size_t{kRows} * static_cast<std::size_t>(width), 5, 4, 0);
  for (std::uint32_t& word : queries) word &= 0xFFFF0000U;  // a float of this many bits
  const CardBuffer qkv = on_card(stream, queries);
  const CachePlace place{keys.data(), values.data(), kCapacity, CacheFormat::bf16};
  const CardBuffer caches = on_card(stream, std::vector<CachePlace>(kRows, place));
  const CardBuffer out(std::size_t{kRows} * static_cast<std::size_t>(padded) * 2, kQuestion);
  Attention work;
  work.qkv = {qkv.as<float>(), width};
  work.out = {out.data(), padded};
  work.caches = caches.as<CachePlace>();
  work.shape = shape;
  const auto run = [&](int most, void (*launch)(cudaStream_t, const Attention&)) {
    const std::vector<QueryTile> tiles = cut(kRows, most, kBefore);
    const CardBuffer list = on_card(stream, tiles);
    work.tiles = list.as<QueryTile>();
    work.num_tiles = static_cast<int>(tiles.size());
    return answer(stream, out, [&] { launch(stream.get(), work); });
  };
  return run(max_tile_rows(shape, true), launch_attention_many) ==
         run(max_hopper_tile_rows(shape), launch_attention_hopper);
}

}  // namespace

Families find_families(const Stream& stream, const BlockLimits& limits, int capability,
                       const AttentionShape& shape) {
  if (capability != kHopper || !has_hopper_products()) return {};
  return {products_agree(stream, limits),
          has_hopper_attention(shape) && attention_agrees(stream, shape)};
}

}  // namespace gemma2::cuda
