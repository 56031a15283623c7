// SPDX-License-Identifier: Apache-2.0
//
// How much work the self-test makes of everything: on_card/scale.cc, or emulated/scale.cc where an
// operation takes a microsecond.
#pragma once

#include <cstddef>

namespace gemma2::selftest {

struct Scale {
  bool real_shapes = true;  // 2B, 9B, 27B; else tiny ones in their place
  std::size_t read_bytes = 0;
  int matrix = 0;          // rows, outputs and columns of the large product
  int repetitions = 5;     // of a measurement, whose median counts
  int decoded_tokens = 0;  // of a measurement of decoding
  int depth = 0;           // tokens before those, for the rows that have some
  int deep = 0;            // the same, for int8 caches
  int prefill = 0;         // tokens
  int batch_depth = 0;
  int attention_rows = 0;
  int most_sequences = 0;  // of a batch
  int same_bits = 20;      // times that the same bits are asked for
  int prompt = 300;        // tokens, of a step that is cancelled
  int rate_steps = 0;      // of the matrix instructions' loop
};

[[nodiscard]] Scale make_scale(bool quick);

}  // namespace gemma2::selftest
