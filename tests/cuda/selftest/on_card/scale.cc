// SPDX-License-Identifier: Apache-2.0
#include "scale.h"

namespace gemma2::selftest {

Scale make_scale(bool quick) {
  Scale scale;
  scale.read_bytes = std::size_t{8} << 30;
  scale.matrix = 8192;
  scale.repetitions = quick ? 3 : 5;
  scale.decoded_tokens = quick ? 16 : 64;
  scale.depth = 4096;
  scale.deep = 8000;
  scale.prefill = 4096;
  scale.batch_depth = 1024;
  scale.attention_rows = 8192;
  scale.most_sequences = quick ? 32 : 64;
  scale.rate_steps = 4096;
  return scale;
}

}  // namespace gemma2::selftest
