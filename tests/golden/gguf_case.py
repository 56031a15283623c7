# SPDX-License-Identifier: Apache-2.0
"""Writes a case as a GGUF file with the `gguf` package, metadata as in published Gemma 2 files."""

import gguf
import numpy as np
from gguf.quants import dequantize

import tiny_tokenizer
from quant_blocks import BLOCK, DEQUANTIZE
from read_checkpoint import GGUF_LAYER_NAMES

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}")


def _gguf_name(name):
    if name == "model.embed_tokens.weight": return "token_embd.weight"
    if name == "model.norm.weight": return "output_norm.weight"
    _, _, layer, part = name.removesuffix(".weight").split(".", 3)
    short = {long: short for short, long in GGUF_LAYER_NAMES.items()}[part]
    return f"blk.{layer}.{short}.weight"


def _add_metadata(writer, case):
    writer.add_name(f"golden case {case.name}")
    writer.add_file_type({"Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "Q6_K": gguf.LlamaFileType.MOSTLY_Q6_K}[case.storage])
    writer.add_quantization_version(2)
    writer.add_context_length(128)
    writer.add_embedding_length(case.hidden)
    writer.add_block_count(case.layers)
    writer.add_feed_forward_length(case.ffn)
    writer.add_head_count(case.heads)
    writer.add_head_count_kv(case.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_key_length(case.head_dim)
    writer.add_value_length(case.head_dim)
    writer.add_attn_logit_softcapping(case.attention_cap)
    writer.add_final_logit_softcapping(case.final_cap)
    writer.add_sliding_window(case.window)


def _add_tokenizer(writer, case):
    pieces = tiny_tokenizer.pieces(case.vocab)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text for text, _, _ in pieces])
    writer.add_token_scores([score for _, score, _ in pieces])
    # As llama.cpp's converter does, the turn markers are control tokens here and user-defined in tokenizer.model.
    writer.add_token_types([3 if text.endswith("_of_turn>") else kind for text, _, kind in pieces])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_eot_token_id(5)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write(path, case, tensors, blocks):
    """tensors: Hugging Face names; blocks: the quantized matrices by the same names, uint8 [blocks, block bytes]."""
    kind = gguf.GGMLQuantizationType[case.storage]
    writer = gguf.GGUFWriter(path, "gemma2")
    _add_metadata(writer, case)
    _add_tokenizer(writer, case)
    for name, value in tensors.items():
        if name not in blocks:  # a norm: GGUF stores 1 + w
            writer.add_tensor(_gguf_name(name), (np.float32(1) + value).astype(np.float32))
            continue
        # A third decoder must read our blocks as we do.
        assert (dequantize(blocks[name], kind).reshape(-1) == DEQUANTIZE[case.storage](blocks[name])).all()
        row_bytes = value.shape[1] // BLOCK[case.storage][0] * BLOCK[case.storage][1]
        writer.add_tensor(_gguf_name(name), blocks[name].reshape(value.shape[0], row_bytes), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
