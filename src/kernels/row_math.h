// SPDX-License-Identifier: Apache-2.0
//
// What sampling asks of the processor, on whatever device the logits were computed: passes over a
// row as long as the vocabulary. Every instruction set gives the same bits.
//
// A row falls into blocks of 256, the last one shorter. A block's sum is float32: 16 lanes, lane l
// taking elements l, l + 16, .., then the library's one tree (kernels/cpu/kernel_table.h). That is
// within 2^-20 of the exact sum, as a weight itself is within 2^-20 of what a float32 logit can
// mean: at 16, its last bit is 2^-20.
#pragma once

#include <cstddef>
#include <span>

namespace gemma2 {

inline constexpr int kRowBlock = 256;

[[nodiscard]] constexpr std::size_t count_row_blocks(std::size_t row) noexcept {
  return (row + kRowBlock - 1) / kRowBlock;
}

/// The largest value of each block: [count_row_blocks]. Returns whether all values are finite; if
/// one is a NaN, its block's maximum means nothing.
bool block_maxima(std::span<float> maxima, std::span<const float> row) noexcept;

/// weights[i] = e^((row[i] - best) * factor) within 1.2 units in the last place of the float32
/// exponent, and 0 below e^-87. best: the largest value; factor > 0. sums: of each block.
/// `weights` may be `row`.
void exp_weights(std::span<float> weights, std::span<float> sums, std::span<const float> row,
                 float best, float factor) noexcept;

/// Sum of the weights that are at least `least`, of one block or less.
[[nodiscard]] float sum_from(std::span<const float> weights, float least) noexcept;

}  // namespace gemma2
