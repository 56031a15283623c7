// SPDX-License-Identifier: Apache-2.0
//
// Tensor cores by warps: matrices from shared memory, and their products.
#include <bit>
#include <cmath>
#include <cstring>

#include "block.h"
#include "emulator.h"
#include "tensor_sum.h"

namespace gemma2::emulator {
namespace {

struct MatrixLane {
  const void* row;
  std::uint32_t* to;
};

template <bool kTransposed>
void load_all(void* const* lanes) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::uint16_t elements[8][8];
    for (int r = 0; r < 8; ++r) {
      std::memcpy(elements[r], static_cast<const MatrixLane*>(lanes[8 * matrix + r])->row, 16);
    }
    for (int lane = 0; lane < kWarpThreads; ++lane) {
      const int row = lane / 4;
      const int col = lane % 4 * 2;
      const std::uint32_t low = kTransposed ? elements[col][row] : elements[row][col];
      const std::uint32_t high = kTransposed ? elements[col + 1][row] : elements[row][col + 1];
      static_cast<const MatrixLane*>(lanes[lane])->to[matrix] = low | high << 16;
    }
  }
}

struct ProductLane {
  float* c;
  const std::uint32_t* a;
  std::uint32_t b[2];
};

double half(std::uint32_t pair, int which) {
  return bf16_value(which == 0 ? pair & 0xFFFFU : pair >> 16);
}

/// As ptx.h does it for cards that have no bf16.
void add_by_fma(float* c, const double* a, const double* b) {
  for (int n = 0; n < 8; ++n) {
    for (int k = 0; k < 16; ++k) {
      c[n] = std::fma(static_cast<float>(a[k]), static_cast<float>(b[8 * k + n]), c[n]);
    }
  }
}

void multiply_all(void* const* lanes) {
  double a[16][16];
  double b[16][8];
  float c[16][8];
  for (int lane = 0; lane < kWarpThreads; ++lane) {
    const auto& own = *static_cast<const ProductLane*>(lanes[lane]);
    const int g = lane / 4;
    const int t = lane % 4 * 2;
    for (int i = 0; i < 4; ++i) {
      for (int h = 0; h < 2; ++h) a[g + i % 2 * 8][t + i / 2 * 8 + h] = half(own.a[i], h);
      c[g + i / 2 * 8][t + i % 2] = own.c[i];
    }
    for (int i = 0; i < 2; ++i) {
      for (int h = 0; h < 2; ++h) b[t + 8 * i + h][g] = half(own.b[i], h);
    }
  }
  if (settings().major < 8) {
    for (int row = 0; row < 16; ++row) add_by_fma(c[row], a[row], &b[0][0]);
  } else {
    add_products(&c[0][0], &a[0][0], &b[0][0], 16, 8, settings().warp_sum);
  }
  for (int lane = 0; lane < kWarpThreads; ++lane) {
    const auto& own = *static_cast<const ProductLane*>(lanes[lane]);
    for (int i = 0; i < 4; ++i) own.c[i] = c[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
  }
}

}  // namespace

void load_four_matrices(std::uint32_t* to, const void* row, bool transposed) {
  const InEmulator in_emulator;
  const std::size_t offset = block().shared_offset(row, 16, "load_matrices");
  block().races.read(thread(), offset, 16);
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
    fail_in_kernel("load_matrices: expected an address that is a multiple of 16");
  }
  MatrixLane own{row, to};
  if (transposed) {
    meet_warp("load_matrices_transposed", &own, load_all<true>);
  } else {
    meet_warp("load_matrices", &own, load_all<false>);
  }
}

void multiply_by_warp(float* c, const std::uint32_t* a, std::uint32_t b0, std::uint32_t b1) {
  const InEmulator in_emulator;
  ProductLane own{c, a, {b0, b1}};
  meet_warp("multiply_add", &own, multiply_all);
}

}  // namespace gemma2::emulator
