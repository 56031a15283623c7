# SPDX-License-Identifier: Apache-2.0
"""An independent float64 forward pass of Gemma 2, and the seeded tiny model that needs no files.

`forward` is the project's second opinion: it is written from the architecture description, in numpy alone, and shares
nothing with transformers or the engine. Run as a program it reproduces the seeded model's table and then compares
itself with every committed golden:  python3 seeded_tiny.py [DATA_FOLDER]
"""

import json
import math
import pathlib
import sys
from dataclasses import dataclass, replace

import numpy as np

import read_checkpoint
from quant_blocks import lcg


@dataclass(frozen=True)
class Config:
    """Everything `forward` needs besides the tensors. The last fields exist to build wrong models on purpose."""

    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    window: int
    query_scale: float
    attention_cap: float = 50.0
    final_cap: float = 30.0
    rope_theta: float = 10000.0
    eps: float = 1e-6
    embedding_scale: float = 0.0  # 0: the exact square root of hidden_size
    local_parity: int = 0  # layers with layer % 2 == local_parity are local
    all_local: bool = False
    exact_gelu: bool = False  # the erf form
    adjacent_rope: bool = False  # pairs (0, 1), (2, 3), ... instead of halves
    interleaved_heads: bool = False  # query head i reads kv head i % KV

    def is_local(self, layer):
        return self.all_local or layer % 2 == self.local_parity


def config_from(raw):
    """Config from the keys of a Hugging Face config.json, old (rope_theta) or new (rope_parameters)."""
    theta = raw.get("rope_theta") or raw["rope_parameters"]["rope_theta"]
    return Config(raw["hidden_size"], raw["num_hidden_layers"], raw["num_attention_heads"], raw["num_key_value_heads"],
                  raw["head_dim"], raw["sliding_window"], raw["query_pre_attn_scalar"] ** -0.5,
                  raw["attn_logit_softcapping"], raw["final_logit_softcapping"], theta, raw["rms_norm_eps"])


def rms_norm(x, w, eps):
    """x: [..., n]; w as in Hugging Face checkpoints, applied as 1 + w."""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * (1 + w)


def gelu(x, exact):
    """The tanh form; the erf form is only there to show that it is not the same function."""
    if exact: return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def rope(x, config):
    """x: [tokens, heads, head_dim]; rotates components i and i + head_dim / 2 by p * theta^(-2i / head_dim)."""
    half = config.head_dim // 2
    angle = np.arange(len(x))[:, None, None] * config.rope_theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = (x[..., ::2], x[..., 1::2]) if config.adjacent_rope else (x[..., :half], x[..., half:])
    turned = first * cos - second * sin, first * sin + second * cos
    return np.stack(turned, -1).reshape(x.shape) if config.adjacent_rope else np.concatenate(turned, -1)


def attention(h, w, layer, config, probe):
    """h: [tokens, hidden], already normed. w(name) gives a tensor of this layer. Returns the o_proj output."""
    tokens, group = len(h), config.num_heads // config.num_kv_heads
    split = lambda name: (h @ w(f"self_attn.{name}_proj").T).reshape(tokens, -1, config.head_dim)
    q, k, v = rope(split("q"), config) * config.query_scale, rope(split("k"), config), split("v")
    distance = np.arange(tokens)[:, None] - np.arange(tokens)
    visible = distance >= 0
    if config.is_local(layer): visible &= distance < config.window
    out = np.empty_like(q)
    for head in range(config.num_heads):
        kv = head % config.num_kv_heads if config.interleaved_heads else head // group
        raw = q[:, head] @ k[:, kv].T
        score = np.where(visible, config.attention_cap * np.tanh(raw / config.attention_cap), -np.inf)
        p = np.exp(score - score.max(1, keepdims=True))
        out[:, head] = p / p.sum(1, keepdims=True) @ v[:, kv]
        probe["score"] = max(probe.get("score", 0), np.abs(raw[visible]).max())
    return out.reshape(tokens, -1) @ w("self_attn.o_proj").T


def forward(config, tensors, tokens, probe=None):
    """Returns logits [tokens, vocab] in float64. probe, if given, receives the largest |score|, |residual|, |logit|."""
    probe = {} if probe is None else probe
    embedding = tensors["model.embed_tokens.weight"]
    x = embedding[tokens] * (config.embedding_scale or math.sqrt(config.hidden_size))
    for layer in range(config.num_layers):
        w = lambda name: tensors[f"model.layers.{layer}.{name}.weight"]
        norm = lambda x, name: rms_norm(x, w(name), config.eps)
        x = x + norm(attention(norm(x, "input_layernorm"), w, layer, config, probe), "post_attention_layernorm")
        h = norm(x, "pre_feedforward_layernorm")
        hidden = gelu(h @ w("mlp.gate_proj").T, config.exact_gelu) * (h @ w("mlp.up_proj").T)
        x = x + norm(hidden @ w("mlp.down_proj").T, "post_feedforward_layernorm")
        probe["residual"] = max(probe.get("residual", 0), np.abs(x).max())
    raw = rms_norm(x, tensors["model.norm.weight"], config.eps) @ embedding.T
    probe["logit"] = np.abs(raw).max()
    return config.final_cap * np.tanh(raw / config.final_cap)


SEEDED_CONFIG = Config(hidden_size=8, num_layers=2, num_heads=2, num_kv_heads=1, head_dim=8, window=3, query_scale=0.5)
SEEDED_TOKENS = [2, 5, 7, 11, 3, 14]
# [position][token], five decimals as published with the architecture description.
SEEDED_LOGITS = [
    [-0.02995, 10.63300, 17.21434, -8.01719, 0.34941, -0.23384, 8.58928, 7.12375,
     6.31755, -2.72213, 10.38411, -9.55014, -4.41399, 11.14528, 4.58724, 6.42730],
    [1.55478, 8.50647, 2.30924, -13.64259, -4.43342, 15.52743, -4.33767, -1.71858,
     2.86227, 0.29114, 3.91915, 2.94012, 3.06122, 3.16544, 7.17521, 6.34893],
    [-3.57275, 3.84800, 10.38259, 0.85639, 8.58597, -0.24749, 9.29400, 15.10385,
     -2.09549, 3.75177, 6.36524, 6.80761, 2.75202, -1.49807, 5.02016, -2.89605],
    [-4.32087, -4.05630, -7.85806, 4.69628, 8.97152, 5.57188, 0.28047, 6.62076,
     1.22121, 5.71372, -0.36414, 17.34371, 0.97594, -8.19276, 6.86406, -5.63612],
    [-2.96937, -13.63925, -10.80981, 17.89531, 5.27834, -12.86941, 0.63972, 2.57586,
     -8.67433, 3.22724, -10.46330, 5.99561, 6.24053, -14.33444, -5.09388, -13.10245],
    [12.49525, 10.12669, 5.08865, -4.46574, -3.52822, 3.81650, 1.77988, 2.31888,
     7.09871, -5.23288, -5.86256, 3.58291, 0.88773, -4.34212, 18.87809, 6.80681],
]


def seeded_tensors():
    """The seeded tiny model: 16 tokens, hidden 8, ffn 16; one generator fills all tensors in this order."""
    plan = [("model.embed_tokens.weight", (16, 8), 4)]
    for layer in range(2):
        for name, shape, amplitude in (
                ("input_layernorm", (8,), 0.25), ("self_attn.q_proj", (16, 8), 4), ("self_attn.k_proj", (8, 8), 4),
                ("self_attn.v_proj", (8, 8), 1), ("self_attn.o_proj", (8, 16), 1),
                ("post_attention_layernorm", (8,), 0.25), ("pre_feedforward_layernorm", (8,), 0.25),
                ("mlp.gate_proj", (16, 8), 1), ("mlp.up_proj", (16, 8), 1), ("mlp.down_proj", (8, 16), 1),
                ("post_feedforward_layernorm", (8,), 0.25)):
            plan.append((f"model.layers.{layer}.{name}.weight", shape, amplitude))
    plan.append(("model.norm.weight", (8,), 0.25))
    values, state = lcg(12345, sum(math.prod(shape) for _, shape, _ in plan))
    assert state == 3292036033, "the generator must end in its known state"
    tensors, at = {}, 0
    for name, shape, amplitude in plan:
        count = math.prod(shape)
        tensors[name] = (values[at:at + count].astype(np.float64) * amplitude).reshape(shape)
        at += count
    return tensors


def load_case(folder, golden):
    """Returns (Config, tensors) of a case folder; the seeded case has no checkpoint."""
    if golden.get("seeded"): return SEEDED_CONFIG, seeded_tensors()
    raw, tensors = read_checkpoint.read(folder)
    return config_from(raw), tensors


def main(data):
    logits = forward(SEEDED_CONFIG, seeded_tensors(), SEEDED_TOKENS)
    error = np.abs(logits - SEEDED_LOGITS).max()
    print(f"seeded tiny model: max |difference| from the table {error:.1e} (five decimals printed)")
    assert error < 1e-5
    for golden_file in sorted(data.glob("*/golden.json")):
        golden = json.loads(golden_file.read_text())
        base, tensors = load_case(golden_file.parent, golden)
        runs = {"": {"logits_file": golden["logits_file"], "config_overrides": {}}} | golden.get("variants", {})
        for name, run in runs.items():
            probe = {}
            ours = forward(replace(base, **run["config_overrides"]), tensors, golden["tokens"], probe)
            theirs = np.fromfile(golden_file.parent / run["logits_file"], "<f4").reshape(ours.shape)
            print(f"{golden_file.parent.name + ('/' + name if name else ''):44} max |difference| "
                  f"{np.abs(ours - theirs).max():.2e}  largest |score| {probe['score']:.3g}, "
                  f"|residual| {probe['residual']:.3g}, |raw logit| {probe['logit']:.3g}")
            assert np.isfinite(theirs).all() and np.abs(ours - theirs).max() < 1e-4


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "data")
