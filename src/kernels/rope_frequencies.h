// SPDX-License-Identifier: Apache-2.0
//
// The frequencies of rotary position embedding, on whatever device. Angles are made of them in
// double: at position 8191 a float32 angle is already off by 5e-4.
#pragma once

#include <cmath>
#include <vector>

#include "gemma2/config.h"

namespace gemma2 {

/// [head_dim / 2]: radians a position.
[[nodiscard]] inline std::vector<double> rope_frequencies(const ModelConfig& config) {
  std::vector<double> frequencies;
  for (int i = 0; i < config.head_dim / 2; ++i) {
    frequencies.push_back(
        std::pow(static_cast<double>(config.rope_theta), -2.0 * i / config.head_dim));
  }
  return frequencies;
}

}  // namespace gemma2
