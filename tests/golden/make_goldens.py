# SPDX-License-Identifier: Apache-2.0
"""Makes the golden checkpoints and logits with Hugging Face transformers (float32, eager attention).

usage: make_goldens.py [OUTPUT_FOLDER]      needs torch, transformers, safetensors, gguf and numpy
One folder per case of golden_cases.py: the checkpoint, golden.json and raw little-endian float32 logits. Every
checkpoint but the GGUF ones is loaded back by transformers before its logits are taken: the files were measured.
"""

import json
import math
import pathlib
import shutil
import sys

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import Gemma2Config, Gemma2ForCausalLM

import gguf_case
import quant_blocks
import seeded_tiny
from golden_cases import CASES, Case
from tiny_tokenizer import FIRST_NORMAL, write_tokenizer

BOS = 2
SEEDED_RUN = 520  # tokens: two wraps of a ring of 256 positions


def draw_tensors(case):
    """Returns {Hugging Face name: float32 array} with the case's seeded random weights."""
    random = np.random.default_rng(case.seed)
    matrix = lambda rows, cols, gain: (random.standard_normal((rows, cols)) * gain / math.sqrt(cols)).astype(np.float32)

    def norm(mean):
        # +-0.25 for the usual means; for the extreme ones the spread stays that fraction of the factor 1 + w.
        scale = 1.0 if 0 <= mean < 100 else 1 + mean
        return (mean + random.uniform(-case.norm_spread, case.norm_spread, case.hidden) * scale).astype(np.float32)

    d, q_width, kv_width = case.hidden, case.heads * case.head_dim, case.kv_heads * case.head_dim
    tensors = {"model.embed_tokens.weight": matrix(case.vocab, d, case.logit_spread)}
    for layer in range(case.layers):
        tensors.update({f"model.layers.{layer}.{name}.weight": value for name, value in {
            "input_layernorm": norm(0.0),
            "self_attn.q_proj": matrix(q_width, d, case.score_gain),
            "self_attn.k_proj": matrix(kv_width, d, case.score_gain),
            "self_attn.v_proj": matrix(kv_width, d, 1.0),
            "self_attn.o_proj": matrix(d, q_width, case.branch_gain),
            "post_attention_layernorm": norm(case.branch),
            "pre_feedforward_layernorm": norm(0.0),
            "mlp.gate_proj": matrix(case.ffn, d, 1.5),
            "mlp.up_proj": matrix(case.ffn, d, 1.5),
            "mlp.down_proj": matrix(d, case.ffn, case.branch_gain),
            "post_feedforward_layernorm": norm(case.branch),
        }.items()})
    tensors["model.norm.weight"] = norm(case.final_norm)
    return tensors


def draw_tokens(case):
    """Returns `case.tokens` ids: <bos>, then text and byte pieces with two repeats (equal tokens, different places)."""
    random = np.random.default_rng(case.seed + 1000)
    tokens = [BOS] + random.integers(4, case.vocab, case.tokens - 1).tolist()
    tokens[-1], tokens[-2] = tokens[1], FIRST_NORMAL
    return tokens


def config_of(case):
    return Gemma2Config(
        vocab_size=case.vocab, hidden_size=case.hidden, intermediate_size=case.ffn, num_hidden_layers=case.layers,
        num_attention_heads=case.heads, num_key_value_heads=case.kv_heads, head_dim=case.head_dim,
        query_pre_attn_scalar=case.query_pre_attn_scalar, sliding_window=case.window, max_position_embeddings=128,
        attn_logit_softcapping=case.attention_cap, final_logit_softcapping=case.final_cap,
        architectures=["Gemma2ForCausalLM"], dtype="bfloat16" if case.storage == "BF16" else "float32")


def config_2024(config):
    """The keys gemma-2-2b-it's own config.json had when it was published, for readers of real files."""
    raw = json.loads(config.to_json_string(use_diff=False))
    keys = ("architectures attention_bias attention_dropout attn_logit_softcapping bos_token_id "
            "final_logit_softcapping head_dim hidden_activation hidden_size initializer_range intermediate_size "
            "max_position_embeddings model_type num_attention_heads num_hidden_layers num_key_value_heads pad_token_id "
            "query_pre_attn_scalar rms_norm_eps sliding_window use_cache vocab_size").split()
    old = {key: raw[key] for key in keys}
    old |= {"cache_implementation": "hybrid", "eos_token_id": [1, 5], "hidden_act": "gelu_pytorch_tanh",
            "rope_theta": 10000.0, "torch_dtype": "bfloat16", "transformers_version": "4.42.4"}
    return dict(sorted(old.items()))


def write_safetensors(case, folder, tensors):
    """Writes model.safetensors, or `case.shards` files with an index."""
    dtype = torch.bfloat16 if case.storage == "BF16" else torch.float32
    state = {name: torch.from_numpy(value).to(dtype) for name, value in tensors.items()}
    if case.shards == 1:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, weight_map = list(state), {}
    for shard, part in enumerate(np.array_split(np.arange(len(names)), case.shards), 1):
        file = f"model-{shard:05d}-of-{case.shards:05d}.safetensors"
        save_file({names[i]: state[names[i]] for i in part}, folder / file, metadata={"format": "pt"})
        weight_map |= {names[i]: file for i in part}
    total = sum(value.numel() * value.element_size() for value in state.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def write_hugging_face(case, folder, tensors):
    """Writes the checkpoint folder and returns the model transformers loads from it."""
    config = config_of(case)
    raw = config_2024(config) if case.old_config else json.loads(config.to_json_string())
    (folder / "config.json").write_text(json.dumps(raw, indent=1) + "\n")
    write_safetensors(case, folder, tensors)
    write_tokenizer(folder / "tokenizer.model", case.vocab)
    return Gemma2ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def write_gguf(case, folder, tensors):
    """Quantizes the matrices, writes model.gguf and returns a model that holds the decoded values."""
    quantize, decode = quant_blocks.QUANTIZE[case.storage], quant_blocks.DEQUANTIZE[case.storage]
    blocks = {name: quantize(value.reshape(-1)) for name, value in tensors.items() if value.ndim == 2}
    gguf_case.write(folder / "model.gguf", case, tensors, blocks)
    return model_of(case, {name: decode(blocks[name]).reshape(value.shape) if name in blocks else value
                           for name, value in tensors.items()})


def model_of(case, tensors):
    """Returns a float32 model that holds `tensors`."""
    model = Gemma2ForCausalLM._from_config(config_of(case), dtype=torch.float32, attn_implementation="eager")
    missing, unexpected = model.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False)
    assert missing == ["lm_head.weight"] and not unexpected
    model.tie_weights()
    return model.eval()


def run(model, tokens, overrides):
    """Returns float32 logits [tokens, vocab]; overrides are the oracle's field names."""
    config = model.config
    assert config._attn_implementation == "eager"  # the reference; sdpa has no attention cap
    saved = config.final_logit_softcapping, model.model.embed_tokens.embed_scale.clone()
    config.final_logit_softcapping = overrides.get("final_cap", config.final_logit_softcapping)
    if "embedding_scale" in overrides:
        rounded = torch.tensor(config.hidden_size**0.5).bfloat16().float()
        assert rounded.item() == overrides["embedding_scale"]
        model.model.embed_tokens.embed_scale.copy_(rounded)
    for layer in model.model.layers:
        layer.self_attn.attn_logit_softcapping = overrides.get("attention_cap", config.attn_logit_softcapping)
    with torch.no_grad():
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0].numpy()
    config.final_logit_softcapping = saved[0]
    model.model.embed_tokens.embed_scale.copy_(saved[1])
    assert logits.dtype == np.float32 and np.isfinite(logits).all()
    return logits


def make(case, root):
    """Makes one case folder."""
    folder = root / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tensors, tokens = draw_tensors(case), draw_tokens(case)
    writer = write_gguf if case.storage in quant_blocks.QUANTIZE else write_hugging_face
    model = writer(case, folder, tensors)
    golden = {"tokens": tokens, "vocab": case.vocab, "logits_file": "logits.f32", "notes": case.proves}
    run(model, tokens, {}).astype("<f4").tofile(folder / "logits.f32")
    for name, variant in case.variants.items():
        file = f"logits_{name}.f32"
        run(model, tokens, variant["config_overrides"]).astype("<f4").tofile(folder / file)
        golden.setdefault("variants", {})[name] = {
            "logits_file": file, "config_overrides": variant["config_overrides"], "notes": variant["proves"]}
    finish(folder, golden)


def make_seeded(root):
    """A long run of the seeded tiny model, whose weights any reader generates: no checkpoint is stored.

    Raw scores reach 400 here, where float32 itself costs 1e-4. So the stored logits are the float64 oracle's, and
    transformers confirms them.
    """
    folder, shape = root / "seeded_tiny", seeded_tiny.SEEDED_CONFIG
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tensors = seeded_tiny.seeded_tensors()
    case = Case("seeded_tiny", 112, "", hidden=shape.hidden_size, ffn=16, layers=shape.num_layers,
                heads=shape.num_heads, kv_heads=shape.num_kv_heads, head_dim=shape.head_dim, window=shape.window,
                vocab=16, query_pre_attn_scalar=round(shape.query_scale**-2))
    tokens = [BOS] + np.random.default_rng(case.seed).integers(0, case.vocab, SEEDED_RUN - 1).tolist()
    logits = seeded_tiny.forward(shape, tensors, tokens)
    theirs = run(model_of(case, {name: value.astype(np.float32) for name, value in tensors.items()}), tokens, {})
    assert np.abs(logits - theirs).max() < 2e-4
    print(f"seeded model: oracle against transformers {np.abs(logits - theirs).max():.1e}")
    logits.astype("<f4").tofile(folder / "logits.f32")
    finish(folder, {"tokens": tokens, "vocab": case.vocab, "logits_file": "logits.f32", "seeded": True,
                    "notes": "far beyond one chunk of 256 positions: rings wrap; the weights are generated"},
           "the float64 oracle, confirmed by ")


def finish(folder, golden, maker=""):
    """Writes golden.json and reports the folder's size."""
    torch_version = torch.__version__.split("+")[0]
    golden["made_with"] = f"{maker}transformers {transformers.__version__}, torch {torch_version}, eager, float32"
    tokens = json.dumps(golden.pop("tokens"))
    text = json.dumps(golden, indent=1)
    (folder / "golden.json").write_text(text.replace("{", '{\n "tokens": ' + tokens + ",", 1) + "\n")
    for file in folder.iterdir(): file.chmod(0o644)
    print(f"{folder.name:28} {sum(f.stat().st_size for f in folder.iterdir()) / 1024:8.1f} KiB")


def main(root):
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    quant_blocks.self_check()
    for case in CASES:
        make(case, root)
    make_seeded(root)
    print(f"total {sum(f.stat().st_size for f in root.rglob('*') if f.is_file()) / 2**20:.2f} MiB")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "data")
