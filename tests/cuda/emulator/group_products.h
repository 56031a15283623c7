// SPDX-License-Identifier: Apache-2.0
//
// Products of a group of four warps that are under way. Internal to the emulator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "block.h"

namespace gemma2::emulator {

/// An operand of 16 columns of k as it was when its product began: whether it changed is checked
/// when the product is waited for.
struct Operand {
  std::uint64_t descriptor = 0;
  int rows = 0;
  bool transposed = false;
  std::vector<std::uint16_t> elements;  // [rows][16]
};

/// One accumulator of the group: c[i] of its 128 threads.
struct Accumulator {
  std::array<float*, kGroupThreads> c{};
  int columns = 0;
  std::vector<float> sums;  // [64][columns]
  int last_batch = 0;       // that adds to it
};

struct GroupProducts {
  std::vector<Accumulator> accumulators;          // that are poisoned
  std::vector<std::pair<int, Operand>> operands;  // with their batch
  int batch = 0;                                  // the open one
  int done = 0;                                   // batches before this one are complete
  bool begun = false;

  [[nodiscard]] bool under_way() const { return !accumulators.empty(); }
  void clear() { *this = {}; }
};

}  // namespace gemma2::emulator
