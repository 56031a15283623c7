// SPDX-License-Identifier: Apache-2.0
//
// The one place that says which hyperparameters make a Gemma 2. Every container's configuration
// passes through it, and all later code relies on it: products of these numbers fit in 31 bits, and
// the soft caps are small enough that a softmax needs no running maximum.
#include "gemma2/config.h"

#include <cmath>

#include "check.h"

namespace gemma2 {
namespace {

void check_range(const char* field, int value, int first, int last) {
  require(value >= first && value <= last, ErrorCode::malformed_file,
          "{}: expected {} to {}, found {}", field, first, last, value);
}

/// Expects first < value <= last (so that a NaN fails).
void check_range(const char* field, float value, float above, float last) {
  require(value > above && value <= last, ErrorCode::malformed_file,
          "{}: expected a number above {} and at most {}, found {}", field, above, last, value);
}

}  // namespace

void ModelConfig::validate() const {
  check_range("vocab_size", vocab_size, 1, 1'048'576);
  check_range("hidden_size", hidden_size, 1, 32'768);
  check_range("ffn_size", ffn_size, 1, 262'144);
  check_range("num_layers", num_layers, 1, 256);
  check_range("num_heads", num_heads, 1, 256);
  check_range("num_kv_heads", num_kv_heads, 1, 256);
  require(num_heads % num_kv_heads == 0, ErrorCode::malformed_file,
          "num_kv_heads: expected a divisor of {} heads, found {}", num_heads, num_kv_heads);
  check_range("head_dim", head_dim, 2, 1024);
  require(head_dim % 2 == 0, ErrorCode::malformed_file,
          "head_dim: expected an even number, found {}", head_dim);
  check_range("context_length", context_length, 1, 131'072);
  check_range("sliding_window", sliding_window, 1, 0x7FFF'FFFF);
  check_range("query_scale", query_scale, 0.0F, 1e6F);
  check_range("attention_soft_cap", attention_soft_cap, 0.0F, 64.0F);
  check_range("final_soft_cap", final_soft_cap, 0.0F, 64.0F);
  check_range("rope_theta", rope_theta, 1.0F, 1e12F);
  check_range("rms_norm_eps", rms_norm_eps, 0.0F, 0.1F);
}

}  // namespace gemma2
