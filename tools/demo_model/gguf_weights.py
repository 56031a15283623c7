# SPDX-License-Identifier: Apache-2.0
"""Puts the weights of a GGUF, decoded to float32, into a transformers model of the same shape.

So that what our engine makes of the quantized file can be compared with what transformers makes of
the very same numbers.
"""

import gguf
import torch

NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "post_ffw_norm": "post_feedforward_layernorm"}


def transformers_name(name):
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{NAMES[part]}.weight"


def load_gguf_weights(model, path):
    """Replaces every weight of `model`; a tensor too many or too few is an error."""
    weights = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = torch.tensor(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
        name = transformers_name(tensor.name)
        weights[name] = values - 1 if name.endswith("norm.weight") else values  # GGUF stores 1 + w
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights)
