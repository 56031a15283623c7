// SPDX-License-Identifier: Apache-2.0
//
// The loops around the AVX-512 products: how columns, strips and k are cut into blocks whose sums
// stay in registers and whose operands stay in the caches. Everything is inlined or a template on
// the Kernel, so that no level's copy can stand in for another's.
#pragma once

#include <cstddef>
#include <utility>

#include "kernels/cpu/kernel_table.h"
#include "quant/packed_strips.h"

namespace gemma2::cpu::avx512 {

/// Cuts `count` columns into blocks of at most `most` columns whose sizes differ by one at the
/// most: nine columns are 5 + 4 and not 8 + 1, so no block lacks the chains that hide latency.
template <int most, class Body>
inline void for_each_block(int count, Body body) noexcept {
  const int blocks = (count + most - 1) / most;
  for (int i = 0; i < blocks; ++i) {
    const int first = count * i / blocks;
    body(i, first, count * (i + 1) / blocks - first);
  }
}

[[gnu::always_inline]] inline Columns slice(const Columns& x, int first, int count) noexcept {
  return {x.data + static_cast<std::size_t>(first) * x.stride, count, x.stride};
}

/// Column c of quantized activations, from value `first_k` (a multiple of 256) on.
[[gnu::always_inline]] inline const ActivationBlock* blocks_of(const Columns& x, int c,
                                                               int first_k) noexcept {
  return reinterpret_cast<const ActivationBlock*>(x.data + static_cast<std::size_t>(c) * x.stride) +
         first_k / kActivationBlock;
}

[[gnu::always_inline]] inline Strips rest_of(const Strips& w, int done) noexcept {
  return {w.data + static_cast<std::size_t>(done) * w.strip_bytes, w.count - done, w.cols,
          w.strip_bytes};
}

/// Few columns: each strip is read once for a block of columns. A Kernel has kColumns, the most
/// columns of a block, and
///   template <int columns> static void strip(float* out, std::size_t out_stride,
///                                            const std::byte* strip, int cols, const Columns& x);
template <class Kernel, class = std::make_integer_sequence<int, Kernel::kColumns>>
struct FewColumns;

template <class Kernel, int... n>
struct FewColumns<Kernel, std::integer_sequence<int, n...>> {
  using Entry = void (*)(float*, std::size_t, const std::byte*, int, const Columns&) noexcept;
  static constexpr Entry kEntries[] = {Kernel::template strip<n + 1>...};

  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    for (int s = 0; s < w.count; ++s) {
      const std::byte* strip = w.data + static_cast<std::size_t>(s) * w.strip_bytes;
      for_each_block<Kernel::kColumns>(x.count, [&](int, int first, int count) {
        kEntries[count - 1](out + static_cast<std::size_t>(first) * out_stride + kStripRows * s,
                            out_stride, strip, w.cols, slice(x, first, count));
      });
    }
  }
};

/// Entries for groups of strips, by the number of columns less one. A Kernel has kColumns and
///   template <int columns> static void strips(float* out, std::size_t out_stride,
///                                             const Strips& w, const Columns& x);
template <class Kernel, class = std::make_integer_sequence<int, Kernel::kColumns>>
struct StripGroups;

template <class Kernel, int... n>
struct StripGroups<Kernel, std::integer_sequence<int, n...>> {
  using Entry = void (*)(float*, std::size_t, const Strips&, const Columns&) noexcept;
  static constexpr Entry kEntries[] = {Kernel::template strips<n + 1>...};
};

/// What the block of columns that comes first does besides: it asks for the weights that follow.
struct Ahead {
  const std::byte* strip[2];  // or null
};

/// Many columns: pairs of strips, a chunk of k at a time, which stays in the first-level cache
/// while all columns pass; `out` holds the sums between chunks. Groups of strips take the same
/// chunk of the columns one after the other, so that it stays in the second-level cache.
/// A Kernel has kColumns, kChunk, and
///   struct Panel;  // a chunk of two strips as tile() reads it
///   static void open(Panel& panel, const Strips& pair, int first, int last);  // k of the chunk
///   static const std::byte* stored(const Strips& pair, int strip, int first);  // its first byte
///   template <int columns> static void tile(float* out, std::size_t out_stride,
///                                           const Panel& panel, const Columns& x, Ahead ahead);
template <class Kernel, class = std::make_integer_sequence<int, Kernel::kColumns>>
struct ManyColumns;

template <class Kernel, int... n>
struct ManyColumns<Kernel, std::integer_sequence<int, n...>> {
  using Panel = typename Kernel::Panel;
  using Entry = void (*)(float*, std::size_t, const Panel&, const Columns&, Ahead) noexcept;
  static constexpr Entry kEntries[] = {Kernel::template tile<n + 1>...};
  static constexpr int kGroupPairs = 4;

  /// The panels in the order in which they are computed.
  struct Walk {
    int pairs;
    int chunks;

    struct Step {
      int pair;
      int chunk;
    };
    [[nodiscard]] int count() const noexcept { return pairs * chunks; }
    [[nodiscard]] Step at(int i) const noexcept {
      const int group = i / (kGroupPairs * chunks);
      const int left = pairs - group * kGroupPairs;
      const int width = left < kGroupPairs ? left : kGroupPairs;
      const int in_group = i - group * kGroupPairs * chunks;
      return {group * kGroupPairs + in_group % width, in_group / width};
    }
  };

  static Strips pair_of(const Strips& w, int pair) noexcept {
    return {w.data + static_cast<std::size_t>(2 * pair) * w.strip_bytes, 2, w.cols, w.strip_bytes};
  }

  /// Weights that the first two blocks of columns ask for, one strip each; a lone block for both.
  static Ahead ahead_of(const Strips& w, const Walk& walk, int i, int block, bool alone) noexcept {
    if (block > 1 || i >= walk.count()) return {{nullptr, nullptr}};
    const auto [pair, chunk] = walk.at(i);
    const int first = chunk * Kernel::kChunk;
    const std::byte* even = Kernel::stored(pair_of(w, pair), 0, first);
    const std::byte* odd = Kernel::stored(pair_of(w, pair), 1, first);
    if (alone) return {{even, odd}};
    return {{block == 0 ? even : odd, nullptr}};
  }

  /// All strips but a last odd one.
  static void matmul(float* out, std::size_t out_stride, const Strips& w,
                     const Columns& x) noexcept {
    const Walk walk = {w.count / 2, (w.cols + Kernel::kChunk - 1) / Kernel::kChunk};
    Panel panel;
    for (int i = 0; i < walk.count(); ++i) {
      const auto [pair, chunk] = walk.at(i);
      const int first_k = chunk * Kernel::kChunk;
      const int last_k = first_k + Kernel::kChunk < w.cols ? first_k + Kernel::kChunk : w.cols;
      Kernel::open(panel, pair_of(w, pair), first_k, last_k);
      const bool alone = x.count <= Kernel::kColumns;
      for_each_block<Kernel::kColumns>(x.count, [&](int block, int first, int count) {
        kEntries[count - 1](
            out + static_cast<std::size_t>(first) * out_stride + 2 * kStripRows * pair, out_stride,
            panel, slice(x, first, count), ahead_of(w, walk, i + 1, block, alone));
      });
    }
  }
};

}  // namespace gemma2::cpu::avx512
