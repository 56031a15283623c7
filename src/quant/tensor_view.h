// SPDX-License-Identifier: Apache-2.0
//
// A matrix as it lies in a file, row by row. Non-owning.
#pragma once

#include <cstddef>

#include "gemma2/types.h"

namespace gemma2 {

struct TensorView {
  DType type = DType::f32;
  int rows = 0;
  int cols = 0;  // elements of a row; contiguous in the file
  const std::byte* data = nullptr;
};

}  // namespace gemma2
