// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "quant/checkpoint.h"

namespace gemma2 {

std::vector<TensorSpec> tensor_specs(const ModelConfig& config) {
  const int hidden = config.hidden_size;
  std::vector<TensorSpec> specs;
  specs.push_back({"token_embd.weight", config.vocab_size, hidden});
  for (int layer = 0; layer < config.num_layers; ++layer) {
    const auto add = [&](const char* part, int rows, int cols) {
      specs.push_back({fmt::format("blk.{}.{}.weight", layer, part), rows, cols});
    };
    add("attn_norm", 0, hidden);
    add("attn_q", config.query_size(), hidden);
    add("attn_k", config.kv_size(), hidden);
    add("attn_v", config.kv_size(), hidden);
    add("attn_output", hidden, config.query_size());
    add("post_attention_norm", 0, hidden);
    add("ffn_norm", 0, hidden);
    add("ffn_gate", config.ffn_size, hidden);
    add("ffn_up", config.ffn_size, hidden);
    add("ffn_down", hidden, config.ffn_size);
    add("post_ffw_norm", 0, hidden);
  }
  specs.push_back({"output_norm.weight", 0, hidden});
  return specs;
}

}  // namespace gemma2
