// SPDX-License-Identifier: Apache-2.0
#include "quant/gguf_config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "check.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

constexpr std::uint64_t kMaxInt = std::numeric_limits<int>::max();

int to_int(std::string_view key, std::uint64_t value) {
  require(value <= kMaxInt, ErrorCode::malformed_file, "key '{}': expected at most {}, found {}",
          key, kMaxInt, value);
  return static_cast<int>(value);
}

int required_integer(const GgufFile& file, std::string_view key) {
  const auto value = file.integer(key);
  require(value.has_value(), ErrorCode::malformed_file, "key '{}': expected u32, found no such key",
          key);
  return to_int(key, *value);
}

int optional_integer(const GgufFile& file, std::string_view key, int otherwise) {
  const auto value = file.integer(key);
  return value ? to_int(key, *value) : otherwise;
}

int token_count(const GgufFile& file) {
  const GgufKey* tokens = file.find("tokenizer.ggml.tokens");
  require(
      tokens != nullptr && tokens->type == GgufType::array && tokens->element == GgufType::string,
      ErrorCode::malformed_file,
      "key 'tokenizer.ggml.tokens': expected an array of strings, found {}",
      tokens == nullptr ? "no such key" : to_string(tokens->type));
  return to_int("tokenizer.ggml.tokens", tokens->count);
}

/// Gemma 2 turns its queries and keys by plain RoPE over the whole head; anything else is a model
/// that this engine would run wrongly.
void check_rope(const GgufFile& file, const ModelConfig& config) {
  const int rotated = optional_integer(file, "gemma2.rope.dimension_count", config.head_dim);
  require(rotated == config.head_dim, ErrorCode::unsupported,
          "key 'gemma2.rope.dimension_count': expected the key length {}, found {}",
          config.head_dim, rotated);
  const auto kind = file.string("gemma2.rope.scaling.type");
  if (kind && *kind == "none") return;
  require(!kind, ErrorCode::unsupported,
          "key 'gemma2.rope.scaling.type': expected no scaling of positions, found '{}'",
          printable(kind.value_or("")));
  for (const GgufKey& key : file.keys()) {
    require(!key.name.starts_with("gemma2.rope.scal"), ErrorCode::unsupported,
            "key '{}': expected no scaling of positions, found this key", printable(key.name));
  }
}

void check_attention(const GgufFile& file, const ModelConfig& config) {
  const int value_length = optional_integer(file, "gemma2.attention.value_length", config.head_dim);
  require(value_length == config.head_dim, ErrorCode::malformed_file,
          "key 'gemma2.attention.value_length': expected the key length {}, found {}",
          config.head_dim, value_length);
  require(file.boolean("gemma2.attention.causal").value_or(true), ErrorCode::unsupported,
          "key 'gemma2.attention.causal': expected true, found false");
}

float read_query_scale(const GgufFile& file, const ModelConfig& config) {
  const GgufKey* key = file.find(kQueryScalarKey);
  if (key == nullptr) return derived_query_scale(config);
  const bool real = key->type == GgufType::f32 || key->type == GgufType::f64;
  const float scalar =
      real ? *file.real(kQueryScalarKey) : static_cast<float>(*file.integer(kQueryScalarKey));
  require(scalar > 0 && std::isfinite(scalar), ErrorCode::malformed_file,
          "key '{}': expected a positive number, found {}", kQueryScalarKey, scalar);
  return query_scale_of(scalar);
}

}  // namespace

void check_gguf_architecture(const GgufFile& file) {
  const auto architecture = file.string("general.architecture");
  require(architecture.has_value(), ErrorCode::malformed_file,
          "key 'general.architecture': expected 'gemma2', found no such key");
  require(*architecture == "gemma2", ErrorCode::unsupported,
          "architecture: expected 'gemma2', found '{}'", printable(*architecture));
}

float query_scale_of(float scalar) noexcept {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(scalar)));
}

float derived_query_scale(const ModelConfig& config) noexcept {
  // 27B, told by its 46 layers, divides by the square root of hidden / heads = 144; its head_dim is
  // 128. 2B and 9B use head_dim (9B was first published with 224 by mistake). The order also keeps
  // a configuration that validate() has yet to refuse from dividing by zero.
  const bool is_27b = config.num_layers == 46 && config.num_heads > 0;
  return query_scale_of(is_27b ? static_cast<float>(config.hidden_size) /
                                     static_cast<float>(config.num_heads)
                               : static_cast<float>(config.head_dim));
}

float query_pre_attn_scalar(float query_scale) noexcept {
  const double exact = 1.0 / (static_cast<double>(query_scale) * static_cast<double>(query_scale));
  const float rounded = static_cast<float>(std::nearbyint(exact));
  if (query_scale_of(rounded) == query_scale) return rounded;
  // The scale halves relative errors, so a neighbour of the rounded value must give it back.
  float scalar = std::nextafter(static_cast<float>(exact), 0.0F);
  for (int tries = 0; tries < 3 && query_scale_of(scalar) != query_scale; ++tries) {
    scalar = std::nextafter(scalar, std::numeric_limits<float>::max());
  }
  return scalar;
}

ModelConfig read_gguf_config(const GgufFile& file) {
  ModelConfig config;
  config.vocab_size = token_count(file);
  config.hidden_size = required_integer(file, "gemma2.embedding_length");
  config.ffn_size = required_integer(file, "gemma2.feed_forward_length");
  config.num_layers = required_integer(file, "gemma2.block_count");
  config.num_heads = required_integer(file, "gemma2.attention.head_count");
  config.num_kv_heads = optional_integer(file, "gemma2.attention.head_count_kv", config.num_heads);
  // Without the key other readers fall back to hidden / heads, which no Gemma 2 has.
  config.head_dim = required_integer(file, "gemma2.attention.key_length");
  config.context_length = required_integer(file, "gemma2.context_length");
  // Files of the first days lack the window and the caps. They are on nevertheless. Some writers
  // say 2^32 - 1 for "no window".
  const std::uint64_t window = file.integer("gemma2.attention.sliding_window").value_or(4096);
  config.sliding_window = static_cast<int>(
      std::min<std::uint64_t>(window, static_cast<std::uint64_t>(config.context_length)));
  config.attention_soft_cap = file.real("gemma2.attn_logit_softcapping").value_or(50.0F);
  config.final_soft_cap = file.real("gemma2.final_logit_softcapping").value_or(30.0F);
  config.rope_theta = file.real("gemma2.rope.freq_base").value_or(10'000.0F);
  const auto epsilon = file.real("gemma2.attention.layer_norm_rms_epsilon");
  require(epsilon.has_value(), ErrorCode::malformed_file,
          "key 'gemma2.attention.layer_norm_rms_epsilon': expected f32, found no such key");
  config.rms_norm_eps = *epsilon;
  config.query_scale = read_query_scale(file, config);
  config.validate();
  check_attention(file, config);
  check_rope(file, config);
  return config;
}

}  // namespace gemma2
