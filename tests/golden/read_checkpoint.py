# SPDX-License-Identifier: Apache-2.0
"""Reads the tiny checkpoints (Hugging Face folder or GGUF file) with numpy and the standard library alone.

Both readers return (config, tensors) in one convention: Hugging Face tensor names, [out, in] float64 arrays and norm
weights w that apply as 1 + w. Nothing here shares code with the writers, so a wrong file cannot confirm itself.
"""

import json
import math
import pathlib
import struct

import numpy as np

from quant_blocks import BLOCK, DEQUANTIZE

GGML_F32, GGML_F16, GGML_Q8_0, GGML_Q6_K, GGML_BF16 = 0, 1, 8, 14, 30

GGUF_LAYER_NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "post_ffw_norm": "post_feedforward_layernorm",
}


def bf16_to_f32(raw):
    """raw: uint16 array. BF16 is the upper half of a float32."""
    return (raw.astype(np.uint32) << 16).view(np.float32)


def _decode(dtype, raw):
    if dtype in ("BF16", GGML_BF16): return bf16_to_f32(np.frombuffer(raw, "<u2"))
    if dtype in ("F16", GGML_F16): return np.frombuffer(raw, "<f2")
    if dtype in ("F32", GGML_F32): return np.frombuffer(raw, "<f4")
    kind = {GGML_Q8_0: "Q8_0", GGML_Q6_K: "Q6_K"}[dtype]
    return DEQUANTIZE[kind](np.frombuffer(raw, np.uint8).reshape(-1, BLOCK[kind][1]))


def read_safetensors(path):
    """Returns {name: float64 array} of one safetensors file."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__": continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = _decode(entry["dtype"], data[begin:end]).astype(np.float64).reshape(entry["shape"])
    return tensors


def read_hugging_face(folder):
    """Returns (config dict as stored, tensors) of a single-file or sharded checkpoint folder."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    index = folder / "model.safetensors.index.json"
    files = {"model.safetensors"}
    if index.exists(): files = set(json.loads(index.read_text())["weight_map"].values())
    tensors = {}
    for file in sorted(files):
        tensors.update(read_safetensors(folder / file))
    return config, tensors


class _Cursor:
    """Walks the little-endian fields of a GGUF header."""

    SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, code):
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def value(self, kind):
        if kind == 8: return self.string()
        if kind != 9: return self.number(self.SCALARS[kind])
        element, count = self.number("I"), self.number("Q")
        return [self.value(element) for _ in range(count)]


def _gguf_tensor_bytes(kind, count):
    block, size = {GGML_F32: (1, 4), GGML_F16: (1, 2), GGML_BF16: (1, 2), GGML_Q8_0: BLOCK["Q8_0"],
                   GGML_Q6_K: BLOCK["Q6_K"]}[kind]
    return count // block * size


def _canonical_name(name):
    if name == "token_embd.weight": return "model.embed_tokens.weight"
    if name == "output_norm.weight": return "model.norm.weight"
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{GGUF_LAYER_NAMES[part]}.weight"


def read_gguf(path):
    """Returns (config in Hugging Face keys, tensors); undoes the converter's 1 + w on the norms."""
    cursor = _Cursor(pathlib.Path(path).read_bytes())
    assert cursor.data[:4] == b"GGUF"
    cursor.at = 4
    version, num_tensors, num_keys = cursor.number("I"), cursor.number("Q"), cursor.number("Q")
    assert version == 3
    meta = {}
    for _ in range(num_keys):
        key = cursor.string()
        meta[key] = cursor.value(cursor.number("I"))
    infos = []
    for _ in range(num_tensors):
        name = cursor.string()
        dims = [cursor.number("Q") for _ in range(cursor.number("I"))]
        infos.append((name, dims[::-1], cursor.number("I"), cursor.number("Q")))
    start = -(-cursor.at // 32) * 32
    tensors = {}
    for name, shape, kind, offset in infos:
        size = _gguf_tensor_bytes(kind, math.prod(shape))
        values = _decode(kind, cursor.data[start + offset:start + offset + size]).astype(np.float64).reshape(shape)
        tensors[_canonical_name(name)] = values - 1 if name.endswith("norm.weight") else values
    return _config_from_metadata(meta, tensors), tensors


def _config_from_metadata(meta, tensors):
    get = lambda key: meta["gemma2." + key]
    return {
        "hidden_size": get("embedding_length"), "num_hidden_layers": get("block_count"),
        "num_attention_heads": get("attention.head_count"), "num_key_value_heads": get("attention.head_count_kv"),
        "head_dim": get("attention.key_length"), "sliding_window": get("attention.sliding_window"),
        # GGUF has no key for the query scale; every model but the 46-layer one uses head_dim.
        "query_pre_attn_scalar": get("attention.key_length"),
        "attn_logit_softcapping": get("attn_logit_softcapping"),
        "final_logit_softcapping": get("final_logit_softcapping"),
        "rms_norm_eps": get("attention.layer_norm_rms_epsilon"), "rope_theta": 10000.0,
        "vocab_size": tensors["model.embed_tokens.weight"].shape[0],
    }


def read(folder):
    """Reads whichever checkpoint lies in a case folder."""
    ggufs = sorted(pathlib.Path(folder).glob("*.gguf"))
    return read_gguf(ggufs[0]) if ggufs else read_hugging_face(folder)
