// SPDX-License-Identifier: Apache-2.0

// The products of Gemma 2, as the forward pass calls them: q, k and v in one, gate and up in one.
#pragma once

namespace gemma2::bench {

struct Shape {
  const char* model;
  const char* part;
  int rows;
  int cols;
};

// clang-format off
inline constexpr Shape kShapes[] = {
    {"2b", "qkv", 4096, 2304},
    {"2b", "o", 2304, 2048},
    {"2b", "gate_up", 18432, 2304},
    {"2b", "down", 2304, 9216},
    {"2b", "head", 256000, 2304},
    {"9b", "qkv", 8192, 3584},
    {"9b", "o", 3584, 4096},
    {"9b", "gate_up", 28672, 3584},
    {"9b", "down", 3584, 14336},
    {"9b", "head", 256000, 3584},
    {"27b", "qkv", 8192, 4608},
    {"27b", "o", 4608, 4096},
    {"27b", "gate_up", 73728, 4608},
    {"27b", "down", 4608, 36864},
    {"27b", "head", 256000, 4608},
};
// clang-format on

/// Tokens of a pass: decoding, batches and speculation, a short prompt, a prefill chunk.
inline constexpr int kColumnCounts[] = {1, 2, 4, 8, 16, 64, 512};

}  // namespace gemma2::bench
