// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_names.h"

#include <algorithm>

namespace gemma2 {
namespace {

struct Name {
  std::string_view hugging_face;
  std::string_view gguf;
};

// In other model families post_attention_layernorm is the norm before the FFN. In Gemma 2 it
// follows the attention, and the norm before the FFN has a name of its own.
constexpr Name kLayerNames[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.k_proj.weight", "attn_k.weight"},
    {"self_attn.v_proj.weight", "attn_v.weight"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"post_attention_layernorm.weight", "post_attention_norm.weight"},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
};

constexpr Name kModelNames[] = {
    {"embed_tokens.weight", "token_embd.weight"},
    {"norm.weight", "output_norm.weight"},
};

template <std::size_t count>
std::optional<std::string_view> look_up(const Name (&names)[count], std::string_view name) {
  for (const Name& entry : names) {
    if (entry.hugging_face == name) return entry.gguf;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> gguf_name_of(std::string_view name) {
  if (name == "lm_head.weight") return "output.weight";
  // A bare Gemma2Model is saved without this prefix.
  if (constexpr std::string_view kPrefix = "model."; name.starts_with(kPrefix)) {
    name.remove_prefix(kPrefix.size());
  }
  if (const auto found = look_up(kModelNames, name)) return std::string(*found);
  constexpr std::string_view kLayers = "layers.";
  if (!name.starts_with(kLayers)) return std::nullopt;
  name.remove_prefix(kLayers.size());
  const std::size_t dot = name.find('.');
  const std::string_view number = name.substr(0, dot);
  if (dot == std::string_view::npos || number.empty() || number.size() > 3 ||
      (number.size() > 1 && number[0] == '0') ||
      !std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  const auto found = look_up(kLayerNames, name.substr(dot + 1));
  if (!found) return std::nullopt;
  return "blk." + std::string(number) + "." + std::string(*found);
}

}  // namespace gemma2
