# SPDX-License-Identifier: Apache-2.0
"""Trains the demo model with transformers' Gemma2ForCausalLM on one CPU core.

Writes two Hugging Face directories: OUT/f32 and OUT/bf16 (weights rounded to bfloat16), and
refreshes CHECKPOINT (f32) every few minutes.
"""

import argparse
import math
import shutil
import time
from pathlib import Path

import sentencepiece as spm
import torch
from torch.nn import functional as F
from transformers import Gemma2Config, Gemma2ForCausalLM, GenerationConfig

from batches import BOS, EOS, PAD, Encoder, load, make_batches


def demo_config(vocab_size):
    """Every matmul input width (256, 4 * 64, 768) is a multiple of 256, as K-quants require.

    The sliding window is shorter than most documents, so local and global layers really differ.
    """
    return Gemma2Config(
        vocab_size=vocab_size, hidden_size=256, intermediate_size=768, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=2, head_dim=64, query_pre_attn_scalar=64,
        sliding_window=64, max_position_embeddings=512, attn_logit_softcapping=50.0,
        final_logit_softcapping=30.0, hidden_activation="gelu_pytorch_tanh", rms_norm_eps=1e-6,
        attention_dropout=0.0, tie_word_embeddings=True, pad_token_id=PAD, eos_token_id=EOS,
        bos_token_id=BOS, attn_implementation="eager")


def weighted_loss(model, ids, weights, bf16):
    """Mean cross entropy of the next tokens [nats], weighted per target token."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    losses = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    targets = weights[:, 1:].flatten()
    return (losses * targets).sum() / targets.sum()


@torch.no_grad()
def heldout_loss(model, documents, tokens_per_batch):
    """Loss per answer token over the held-out split (user turns excluded)."""
    total = count = 0.0
    for ids, weights in make_batches(documents, tokens_per_batch, seed=0):
        weights = (weights == 1.0).float()
        total += weighted_loss(model, ids, weights, bf16=False).item() * weights[:, 1:].sum().item()
        count += weights[:, 1:].sum().item()
    return total / count


def learning_rate(step, progress, peak, warmup, floor=0.02):
    """Linear warm-up, then cosine down to floor * peak as progress goes from 0 to 1."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def make_optimizer(model, peak):
    """AdamW; norm weights are not decayed (Gemma stores them around 0 and applies 1 + w)."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() == 1]
    return torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1},
                              {"params": norms, "weight_decay": 0.0}],
                             lr=peak, betas=(0.9, 0.98), eps=1e-9, fused=True)


def save(model, tokenizer_file, end_of_turn, folder):
    """A complete Hugging Face directory: config, weights, tokenizer.model, generation_config."""
    model.generation_config = GenerationConfig(bos_token_id=BOS, pad_token_id=PAD,
                                               eos_token_id=[EOS, end_of_turn])
    partial = folder.with_name(folder.name + ".partial")
    model.save_pretrained(partial, safe_serialization=True)
    shutil.copy(tokenizer_file, partial / "tokenizer.model")
    # Readers of a checkpoint never see a half-written folder.
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def batches_forever(documents, tokens_per_batch, seed):
    epoch = 0
    while True:
        for batch in make_batches(documents, tokens_per_batch, seed + epoch):
            yield epoch, batch
        epoch += 1


def train(model, documents, heldout, args, checkpoint):
    """Runs args.steps updates or args.minutes; prints the loss; calls checkpoint() now and then."""
    optimizer = make_optimizer(model, args.peak)
    # Compilation takes over a minute and then saves a third of each step; shapes vary, so dynamic.
    loss_of = torch.compile(weighted_loss, dynamic=True) if args.compile else weighted_loss
    start = last_save = time.time()
    running, tokens = 0.0, 0
    stream = batches_forever(documents, args.batch_tokens, args.seed)
    for step, (epoch, (ids, weights)) in enumerate(stream):
        # On a shared machine the clock ends the run; the learning rate then follows the clock too.
        progress = max(step / args.steps, (time.time() - start) / (60 * args.minutes))
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, progress, args.peak, args.warmup)
        loss = loss_of(model, ids, weights, args.bf16)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running += loss.item()
        tokens += ids.numel()
        if (step + 1) % 50 == 0:
            seconds = time.time() - start
            print(f"step {step + 1}/{args.steps} epoch {epoch} loss {running / 50:.4f} "
                  f"{tokens / seconds:.0f} tokens/s {seconds:.0f} s", flush=True)
            running = 0.0
        if time.time() - last_save > args.save_every:
            print(f"checkpoint after step {step + 1}, held-out loss "
                  f"{heldout_loss(model, heldout, args.batch_tokens):.4f}", flush=True)
            checkpoint()
            last_save = time.time()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of train/heldout.jsonl")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--warmup", type=int, default=100, help="steps of linear warm-up")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end by the clock, too")
    parser.add_argument("--init", type=Path, help="start from the weights of this checkpoint")
    parser.add_argument("--peak", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--save-every", type=float, default=240, help="seconds between checkpoints")
    parser.add_argument("--bf16", action="store_true", help="bf16 autocast")
    parser.add_argument("--compile", action="store_true", help="needs a C++ compiler")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    encoder = Encoder(spm.SentencePieceProcessor(model_file=str(args.tokenizer)))
    documents = load(args.corpus / "train.jsonl", encoder)
    heldout = load(args.corpus / "heldout.jsonl", encoder)
    model = (Gemma2ForCausalLM.from_pretrained(args.init, attn_implementation="eager") if args.init
             else Gemma2ForCausalLM(demo_config(encoder.sp.get_piece_size()))).train()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(documents)} documents, "
          f"{sum(len(ids) for ids, _ in documents)} tokens", flush=True)
    train(model, documents, heldout, args,
          lambda: save(model, args.tokenizer, encoder.end, args.checkpoint))
    print(f"final held-out loss {heldout_loss(model, heldout, args.batch_tokens):.4f}")
    save(model, args.tokenizer, encoder.end, args.out / "f32")
    # The rounded copy is what the engine quantizes from: bf16 is Gemma's own published dtype.
    model.to(torch.bfloat16)
    save(model, args.tokenizer, encoder.end, args.out / "bf16")


if __name__ == "__main__":
    main()
