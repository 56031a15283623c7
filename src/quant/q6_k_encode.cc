// SPDX-License-Identifier: Apache-2.0
//
// Q6_K's search for scales. Lane = one of the 16 sub-blocks of a block: each lane adds its 16
// products in ascending order, as the scalar rule has it, so the bytes do not depend on the vector
// width that the compiler finds for these loops. Levels stay floats until they are stored.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"
#include "quant/q6_k.h"

namespace gemma2::q6_k {
namespace {

constexpr int kLanes = kBlock / kSubBlock;
constexpr float kNothing = 1e-15f;  // smaller scales and values count as zero
constexpr float kTooLarge = 1e12f;  // keeps x^3 and its sums finite
constexpr float kMinLevel = -32.0f;
constexpr float kMaxLevel = 31.0f;

// Trial scales: extreme / -(32 + 0.1 * trial). The plain one comes first, then a better one must be
// strictly better, so the order is part of the result.
constexpr int kTrials[] = {0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9};

using Lanes = float[kLanes];

// Nearest even for |x| < 2^22, without a branch or a library call.
float round_even(float x) noexcept {
  return (x + 12582912.0f) - 12582912.0f;
}

// A NaN (from 0 / 0 in a lane without values) becomes the lower bound.
float clamp_level(float x) noexcept {
  const float low = x > kMinLevel ? x : kMinLevel;
  return low < kMaxLevel ? low : kMaxLevel;
}

struct Fit {
  Lanes ax;  // sum of w * x * level, w = x^2
  Lanes aa;  // sum of w * level * level
};

void fit(Fit& sums, const Lanes* x, const Lanes& inverse) noexcept {
  Lanes ax = {};
  Lanes aa = {};
  for (int i = 0; i < kSubBlock; ++i) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = x[i][lane];
      const float level = clamp_level(round_even(inverse[lane] * value));
      const float weight = value * value;
      ax[lane] += weight * value * level;
      aa[lane] += weight * level * level;
    }
  }
  std::memcpy(sums.ax, ax, sizeof(ax));
  std::memcpy(sums.aa, aa, sizeof(aa));
}

// Signed value of the largest magnitude of each lane, the first of equals.
void find_extremes(Lanes& extreme, const Lanes* x) noexcept {
  std::memcpy(extreme, x[0], sizeof(extreme));
  for (int i = 1; i < kSubBlock; ++i) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = x[i][lane];
      extreme[lane] = std::fabs(value) > std::fabs(extreme[lane]) ? value : extreme[lane];
    }
  }
}

// Scales of the sub-blocks, and the inverse with which each was found.
void search_scales(Lanes& scale, Lanes& found_with, const Lanes* x) noexcept {
  Lanes extreme;
  Lanes inverse;
  Lanes best;
  Fit sums;
  find_extremes(extreme, x);
  for (int trial : kTrials) {
    const bool start = trial == 0;
    const float steps = -(32.0f + 0.1f * static_cast<float>(trial));
    for (int lane = 0; lane < kLanes; ++lane) inverse[lane] = steps / extreme[lane];
    fit(sums, x, inverse);
    for (int lane = 0; lane < kLanes; ++lane) {
      const float ax = sums.ax[lane];
      const float aa = sums.aa[lane];
      const bool better = start || (aa > 0 && ax * ax > best[lane] * aa);
      const float quotient = ax / aa;
      scale[lane] = better ? quotient : scale[lane];
      best[lane] = better ? quotient * ax : best[lane];
      found_with[lane] = better ? inverse[lane] : found_with[lane];
    }
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    const bool empty = std::fabs(extreme[lane]) < kNothing;
    scale[lane] = empty ? 0.0f : scale[lane];
    found_with[lane] = empty ? 0.0f : found_with[lane];
  }
}

float largest_scale(const Lanes& scale) noexcept {
  float peak = 0;
  for (float value : scale) {
    if (std::fabs(value) > std::fabs(peak)) peak = value;
  }
  return peak;
}

// Final levels + 32 in element order, from the scales as they are stored.
void final_levels(std::uint8_t* levels, const Lanes* x, const Lanes& found_with, float delta,
                  const std::int8_t* sub_scales) noexcept {
  for (int lane = 0; lane < kLanes; ++lane) {
    const float step = delta * static_cast<float>(sub_scales[lane]);
    for (int i = 0; i < kSubBlock; ++i) {
      const float value = x[i][lane];
      // A step of zero keeps the level of the search.
      const float exact = step != 0 ? value / step : found_with[lane] * value;
      const float level = clamp_level(round_even(exact));
      levels[lane * kSubBlock + i] = static_cast<std::uint8_t>(static_cast<int>(level) + 32);
    }
  }
}

void store_levels(std::byte* block, const std::uint8_t* levels) noexcept {
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* from = levels + 128 * half;
    for (int i = 0; i < 64; ++i) {
      block[64 * half + i] = static_cast<std::byte>((from[i] & 15) | (from[i + 64] & 15) << 4);
    }
    std::byte* high = block + kHighOffset + 32 * half;
    for (int i = 0; i < 32; ++i) {
      high[i] = static_cast<std::byte>(from[i] >> 4 | (from[i + 32] >> 4) << 2 |
                                       (from[i + 64] >> 4) << 4 | (from[i + 96] >> 4) << 6);
    }
  }
}

// Largest |x| of the block as an integer comparison sees it: a NaN wins.
float largest_magnitude(const float* in) noexcept {
  std::uint32_t largest = 0;
  for (int i = 0; i < kBlock; ++i) {
    largest = std::max(largest, __builtin_bit_cast(std::uint32_t, in[i]) & 0x7fffffffu);
  }
  return __builtin_bit_cast(float, largest);
}

void encode_block(std::byte* block, const float* in) noexcept {
  std::memset(block, 0, kBlockBytes);
  if (!(largest_magnitude(in) <= kTooLarge)) {
    constexpr std::uint16_t kHalfNan = 0x7e00;
    std::memcpy(block + kDeltaOffset, &kHalfNan, 2);
    return;
  }
  Lanes x[kSubBlock];
  for (int i = 0; i < kBlock; ++i) x[i % kSubBlock][i / kSubBlock] = in[i];
  Lanes scale = {};
  Lanes found_with = {};
  search_scales(scale, found_with, x);
  const float peak = largest_scale(scale);
  if (std::fabs(peak) < kNothing) return;

  const float inverse = -128.0f / peak;
  const std::uint16_t half = f32_to_f16(1.0f / inverse);
  std::int8_t sub_scales[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    const float rounded = round_even(inverse * scale[lane]);
    sub_scales[lane] = static_cast<std::int8_t>(std::clamp(rounded, -128.0f, 127.0f));
  }
  std::uint8_t levels[kBlock];
  final_levels(levels, x, found_with, f16_to_f32(half), sub_scales);
  store_levels(block, levels);
  std::memcpy(block + kScalesOffset, sub_scales, sizeof(sub_scales));
  std::memcpy(block + kDeltaOffset, &half, 2);
}

}  // namespace

void encode_row(std::byte* row, const float* in, int cols) noexcept {
  for (int begin = 0; begin < cols; begin += kBlock, row += kBlockBytes) {
    encode_block(row, in + begin);
  }
}

}  // namespace gemma2::q6_k
