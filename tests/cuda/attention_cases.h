// SPDX-License-Identifier: Apache-2.0
//
// What the attention tests attend to: sequences with seeded keys and values in caches whose unused
// slots are all ones, which is NaN to every format; queries that belong to a sequence and a
// position; and attention of one row by plain loops in double precision.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <cuda_runtime.h>

#include "card_memory.h"
#include "kernels/cuda/kernels.h"

namespace gemma2::cuda {

/// A shape with num_kv_heads = 2 and a cap of 50.
[[nodiscard]] AttentionShape make_shape(int head_dim, CacheFormat format, int group, int window);

/// `cancelling`: nearly all positions of every other chunk take back what the chunk before has
/// added, a thousand times what is left. So an output shows how its sums were rounded, although it
/// is rounded to bf16 itself.
enum class Values : std::uint8_t { normal, cancelling };

/// One sequence: keys and values as they come out of the cache's format, and the cache.
class CachedSequence {
 public:
  /// Positions [0, length) stored in order; those `capacity` behind another take its slot.
  CachedSequence(const AttentionShape& shape, int capacity, int length, std::uint32_t seed,
                 Values kind = Values::normal);

  [[nodiscard]] CachePlace place() const;
  [[nodiscard]] std::uint32_t seed() const { return seed_; }
  /// Of a position that is still there: [head_dim].
  [[nodiscard]] const float* key(int head, int position) const;
  [[nodiscard]] const float* value(int head, int position) const;
  /// Makes element 0 of a stored value something else.
  void spoil_value(int head, int position, float with);

 private:
  void store(std::vector<std::byte>& plane, std::vector<float>& exact, int head, int position,
             const std::vector<float>& from);
  [[nodiscard]] std::size_t index(int head, int position) const;

  AttentionShape shape_;
  int capacity_;
  std::uint32_t seed_;
  std::vector<float> keys_;  // [kv_head][capacity][head_dim]
  std::vector<float> values_;
  CardArray<std::byte> key_tiles_;
  CardArray<std::byte> value_tiles_;
};

/// The rotated query of a sequence's position: [num_heads * head_dim].
[[nodiscard]] std::vector<float> query_of(const AttentionShape& shape, std::uint32_t seed,
                                          int position);

/// Rows [first, first + rows) of a sequence, one tile of a launch.
struct TileOfSequence {
  const CachedSequence* sequence = nullptr;
  int first = 0;
  int rows = 0;
};
enum class Kernel : std::uint8_t { few, many, hopper };

/// Output rows as bf16, by sequence and position.
using RowBits = std::map<std::pair<const CachedSequence*, int>, std::vector<std::uint16_t>>;

/// One launch. Checks that padding columns are zero and that nothing else is written.
[[nodiscard]] RowBits attend(const AttentionShape& shape, Kernel kernel,
                             const std::vector<TileOfSequence>& tiles);
/// Positions [first, last) of a sequence in tiles of at most `rows`.
[[nodiscard]] std::vector<TileOfSequence> tiles_of(const CachedSequence& sequence, int first,
                                                   int last, int rows);

/// An output and how far another may be from it.
struct Expected {
  double value = 0;
  double tolerance = 0;
};
/// [num_heads * head_dim]
[[nodiscard]] std::vector<Expected> attend_plainly(const AttentionShape& shape,
                                                   const CachedSequence& sequence, int position);

}  // namespace gemma2::cuda
