// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of a tensor core. Internal to the emulator.
#pragma once

#include <bit>
#include <cstdint>

#include "emulator.h"

namespace gemma2::emulator {

/// c[row][n] += the sum over k of a[row][k] * b[k][n], for 16 k and `columns` (a multiple of 8) n,
/// each sum on its own.
void add_products(float* c, const double* a, const double* b, int rows, int columns, TensorSum how);

inline double bf16_value(std::uint32_t bits) {
  return static_cast<double>(std::bit_cast<float>(bits << 16));
}

}  // namespace gemma2::emulator
