// SPDX-License-Identifier: Apache-2.0
#include "scale.h"

namespace gemma2::selftest {

Scale make_scale(bool /*quick*/) {
  Scale scale;
  scale.real_shapes = false;
  scale.read_bytes = std::size_t{1} << 20;
  scale.matrix = 256;
  scale.repetitions = 2;
  scale.decoded_tokens = 3;
  scale.depth = 100;
  scale.deep = 260;
  scale.prefill = 96;
  scale.batch_depth = 40;
  scale.attention_rows = 160;
  scale.most_sequences = 8;
  scale.same_bits = 2;
  scale.prompt = 40;
  scale.rate_steps = 2;
  return scale;
}

}  // namespace gemma2::selftest
