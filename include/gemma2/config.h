// SPDX-License-Identifier: Apache-2.0
//
// A Gemma 2 model in numbers: every hyperparameter, under the name the papers use, with the
// Hugging Face key beside it. Nothing else in the library switches on "2B", "9B" or "27B".
#pragma once

#include <cstdint>

#include "gemma2/export.h"

namespace gemma2 {

/// What a layer's attention sees.
enum class LayerKind : std::uint8_t {
  local,  // the last ModelConfig::sliding_window positions, the query's own included
  global  // every position up to the query's own
};

struct GEMMA2_API ModelConfig {
  int vocab_size = 0;             // vocab_size
  int hidden_size = 0;            // hidden_size: width of the residual stream
  int ffn_size = 0;               // intermediate_size
  int num_layers = 0;             // num_hidden_layers
  int num_heads = 0;              // num_attention_heads
  int num_kv_heads = 0;           // num_key_value_heads
  int head_dim = 0;               // head_dim; not hidden_size / num_heads in Gemma 2
  int context_length = 8192;      // max_position_embeddings
  int sliding_window = 4096;      // sliding_window: keys a local layer sees, self included
  float query_scale = 0;          // 1 / sqrt(query_pre_attn_scalar)
  float attention_soft_cap = 50;  // attn_logit_softcapping: s becomes 50 * tanh(s / 50)
  float final_soft_cap = 30;      // final_logit_softcapping: x becomes 30 * tanh(x / 30)
  float rope_theta = 10000;       // rope_theta
  float rms_norm_eps = 1e-6F;     // rms_norm_eps

  /// Even layers are local, odd layers global; layer 0 is the one next to the embedding.
  [[nodiscard]] constexpr LayerKind layer_kind(int layer) const noexcept {
    return layer % 2 == 0 ? LayerKind::local : LayerKind::global;
  }
  [[nodiscard]] constexpr bool is_local(int layer) const noexcept {
    return layer_kind(layer) == LayerKind::local;
  }

  /// Width of the concatenated query heads; o_proj reads it.
  [[nodiscard]] constexpr int query_size() const noexcept { return num_heads * head_dim; }

  /// Width of the concatenated key heads, and of the value heads.
  [[nodiscard]] constexpr int kv_size() const noexcept { return num_kv_heads * head_dim; }

  /// Query heads that share one key/value head.
  [[nodiscard]] constexpr int group_size() const noexcept { return num_heads / num_kv_heads; }

  /// Throws Error(malformed_file) naming the first field outside its range and the range.
  void validate() const;

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

}  // namespace gemma2
