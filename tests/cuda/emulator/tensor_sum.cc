// SPDX-License-Identifier: Apache-2.0
#include "tensor_sum.h"

#include <cmath>
#include <cstddef>

namespace gemma2::emulator {
namespace {

constexpr int kColumnsAtOnce = 8;
constexpr int kSteps = 16;  // of k

float cut_off(double x) {
  const auto near = static_cast<float>(x);
  if (std::fabs(static_cast<double>(near)) <= std::fabs(x) || !std::isfinite(near)) return near;
  return std::nextafter(near, 0.0F);
}

#if defined(__x86_64__)
#define GEMMA2_WIDER_WHERE_THERE_IS __attribute__((target_clones("avx2", "default")))
#else
#define GEMMA2_WIDER_WHERE_THERE_IS
#endif

/// Where half the tests' time goes. The order of a sum is that of k, whatever the vectors' width.
GEMMA2_WIDER_WHERE_THERE_IS
void add_exactly(float* c, const double* a, const double* b, std::ptrdiff_t columns) {
  for (std::ptrdiff_t n = 0; n < columns; n += kColumnsAtOnce) {
    double sums[kColumnsAtOnce];
    for (int i = 0; i < kColumnsAtOnce; ++i) sums[i] = static_cast<double>(c[n + i]);
    for (std::ptrdiff_t k = 0; k < kSteps; ++k) {
      for (int i = 0; i < kColumnsAtOnce; ++i) sums[i] += a[k] * b[k * columns + n + i];
    }
    for (int i = 0; i < kColumnsAtOnce; ++i) c[n + i] = static_cast<float>(sums[i]);
  }
}

void add_in_halves(float* c, const double* a, const double* b, std::ptrdiff_t columns) {
  for (std::ptrdiff_t n = 0; n < columns; ++n) {
    for (std::ptrdiff_t half = 0; half < kSteps; half += kSteps / 2) {
      double sum = static_cast<double>(c[n]);
      for (std::ptrdiff_t k = half; k < half + kSteps / 2; ++k) sum += a[k] * b[k * columns + n];
      c[n] = cut_off(sum);
    }
  }
}

}  // namespace

void add_products(float* c, const double* a, const double* b, int rows, int columns,
                  TensorSum how) {
  const auto add = how == TensorSum::exact ? add_exactly : add_in_halves;
  for (std::ptrdiff_t row = 0; row < rows; ++row) {
    add(c + row * columns, a + row * kSteps, b, columns);
  }
}

}  // namespace gemma2::emulator
