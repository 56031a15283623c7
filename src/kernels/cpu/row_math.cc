// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_math.h"

#include "kernels/cpu/dispatch.h"

namespace gemma2 {
namespace {

/// The best table, whatever GEMMA2_ISA says: here all have the same bits.
const cpu::KernelTable& table() noexcept {
  return *cpu::supported_tables().back();
}

}  // namespace

bool block_maxima(std::span<float> maxima, std::span<const float> row) noexcept {
  return table().block_maxima(maxima.data(), row.data(), static_cast<int>(row.size()));
}

void exp_weights(std::span<float> weights, std::span<float> sums, std::span<const float> row,
                 float best, float factor) noexcept {
  table().exp_weights(weights.data(), sums.data(), row.data(), static_cast<int>(row.size()), best,
                      factor);
}

float sum_from(std::span<const float> weights, float least) noexcept {
  return table().sum_from(weights.data(), static_cast<int>(weights.size()), least);
}

}  // namespace gemma2
