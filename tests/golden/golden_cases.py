# SPDX-License-Identifier: Apache-2.0
"""The table of golden cases: shapes, weight scales and what each case is there to catch."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One tiny model. Names follow config.json; `storage` is the dtype of the matrices on disk."""

    name: str
    seed: int
    proves: str
    hidden: int = 32
    ffn: int = 48
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    query_pre_attn_scalar: int = 16
    window: int = 6
    vocab: int = 280
    tokens: int = 14
    attention_cap: float = 50.0
    final_cap: float = 30.0
    storage: str = "F32"  # F32, BF16, Q6_K or Q8_0
    shards: int = 1
    old_config: bool = False  # the keys of a 2024 config.json (rope_theta, torch_dtype) instead of today's
    score_gain: float = 3.3  # standard deviation of a score is about its square
    logit_spread: float = 9.0  # standard deviation of a raw logit, and of the scaled embedding
    branch_gain: float = 1.0  # factor on o_proj and down_proj; the post-norms undo it but for their eps
    branch: float = 2.0  # mean of the post-norm weights w: how loud a layer is beside the embedding
    final_norm: float = 0.0  # mean of the final norm's w; near -1 it takes the factor of a huge residual back
    norm_spread: float = 0.25  # w = mean +- spread, uniform
    variants: dict = field(default_factory=dict)  # name -> {"proves", "config_overrides"} for the same weights


def bf16_square_root(n):
    """sqrt(n) rounded to the nearest bfloat16 (eight significant bits), as a bfloat16 run scales the embedding."""
    root, unit = n**0.5, 1.0
    while root >= 2 * unit: unit *= 2
    return round(root / unit * 128) * unit / 128


OFF = 1e6  # a soft cap this large is the identity in float32 for every value that occurs here

CASES = [
    Case("f32_2b_like", 101, "head_dim 16 is not hidden / heads = 12, so o_proj is not square; scale = head_dim^-0.5",
         hidden=48, ffn=32),
    Case("f32_27b_like", 102, "27B in 1/64: query_pre_attn_scalar 18 = hidden / heads, head_dim 16",
         hidden=72, ffn=32, query_pre_attn_scalar=18),
    Case("f32_long_window", 103, "64 tokens through a window of 8: every position of the window's edge",
         ffn=32, window=8, tokens=64, score_gain=2.8),
    Case("f32_embedding_bf16_scale", 104, "9B in 1/64: sqrt(56) = 7.4833 becomes 7.46875 in bfloat16",
         hidden=56, ffn=32, branch=1.0,
         variants={"rounded_scale": {"proves": "the embedding scale rounded to bfloat16, as in training",
                                     "config_overrides": {"embedding_scale": bf16_square_root(56)}}}),
    Case("f32_odd_sizes", 105, "no width is a multiple of 16: hidden 40, ffn 72, q width 100, k and v width 20",
         hidden=40, ffn=72, heads=5, kv_heads=1, head_dim=20, query_pre_attn_scalar=20, vocab=300),
    Case("f32_small_caps", 106, "both caps at 0.5 bite on nearly every score and logit",
         ffn=32, attention_cap=0.5, final_cap=0.5, score_gain=2.0, logit_spread=0.5, branch=0.0,
         variants={"default_caps": {"proves": "the same weights under Gemma's own caps: the caps are data",
                                    "config_overrides": {"attention_cap": 50.0, "final_cap": 30.0}},
                   "caps_off": {"proves": "what the capped run would be without any cap",
                                "config_overrides": {"attention_cap": OFF, "final_cap": OFF}}}),
    Case("bf16_2b_like", 107, "BF16 tensors in three shards, config.json as published in 2024",
         hidden=64, ffn=96, head_dim=32, query_pre_attn_scalar=32, storage="BF16", shards=3, old_config=True),
    Case("q6_k", 108, "Q6_K blocks in a GGUF, tied embedding included; norms stored as 1 + w",
         hidden=256, ffn=256, kv_heads=1, head_dim=64, query_pre_attn_scalar=64, tokens=12, storage="Q6_K"),
    Case("q8_0", 109, "Q8_0 blocks in a GGUF, tied embedding included; norms stored as 1 + w",
         hidden=256, ffn=256, layers=1, kv_heads=1, head_dim=64, query_pre_attn_scalar=64, tokens=12, storage="Q8_0"),
    Case("hidden_large_residual", 110, "residual stream beyond float16's 65504: every logit stays finite and right",
         ffn=32, logit_spread=6e4, branch=3e4, final_norm=1.5e-4 - 1),
    Case("layers_3_odd", 111, "an odd number of layers: the last one is local; branches so small that eps shows; BF16",
         hidden=48, layers=3, window=4, branch_gain=0.01, storage="BF16"),
]
