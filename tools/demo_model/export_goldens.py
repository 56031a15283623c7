# SPDX-License-Identifier: Apache-2.0
"""Writes greedy continuations computed by transformers in float32: of the bf16-rounded weights, or,
with --gguf, of a quantized file's weights decoded to float32.

Stop tokens are ignored: every prompt gets exactly --tokens new tokens. min_gap is the smallest
distance between the best and the second logit (after the soft cap) along the way; a text with a
tiny gap could flip by rounding alone, so more prompts are tried than kept.
"""

import argparse
import json
from pathlib import Path

import torch

from batches import BOS
from gguf_weights import load_gguf_weights
from sample import Sampler

TOPICS = ["a fox", "a robot", "the moon", "a hedgehog and an owl", "a pirate", "a whale",
          "friendship",
          "a teapot", "a knight and a dragon", "a girl and a kite",
          "a bear who is afraid of the dark",
          "a penguin", "a queen", "a cloud", "a lion who wants to sing", "two cats", "a baker",
          "a crab",
          "a ghost named Willo", "a train", "a shy elephant", "a bee", "the sun", "a wizard",
          "a pony"]
CHAT = [[f"Tell me a story about {topic}."] for topic in TOPICS] + [
    ["Who are you?"], ["Write a poem about a star."], ["What is 3 + 4?"],
     ["What does a rabbit eat?"],
    ["What can you do?"], ["Good morning!"], ["Write a poem about the sea."], ["Tell me a joke."],
    ["Hello!", "Hello! How can I help you?", "What is the capital of Italy?"],
    ["What is the opposite of hot?"], ["How does a computer work?"], ["Tell me a bedtime story."]]
RAW = ["Once upon a time", "The little fox", "Long ago, in a small village,", "The old king",
       "One night",
       "There once was a brave mouse", "In a green forest", "This is the story of a", "Max was a",
       "Near"]


@torch.no_grad()
def greedy(model, prompt, count):
    """Greedy ids by plain full forward passes: no cache, no generation options to misread."""
    ids, gaps = list(prompt), []
    for _ in range(count):
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
        best, second = torch.topk(logits, 2).values.tolist()
        gaps.append(best - second)
        ids.append(int(logits.argmax()))
    return ids[len(prompt):], min(gaps)


def widest(sampler, prompts, count, keep):
    """Goldens of the `keep` prompts whose smallest gap is largest."""
    goldens = []
    for prompt in prompts:
        generated, gap = greedy(sampler.model, prompt, count)
        goldens.append({"prompt_ids": prompt, "generated_ids": generated, "min_gap": round(gap, 5)})
        print(f"{gap:.4f} {sampler.sp.decode(prompt + generated)!r}")
    return sorted(goldens, key=lambda golden: -golden["min_gap"])[:keep]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="bf16-rounded Hugging Face directory")
    parser.add_argument("--gguf", type=Path, help="take the weights from this file instead")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--chat", type=int, default=14, help="chat prompts kept, widest gaps first")
    parser.add_argument("--raw", type=int, default=6, help="raw prompts kept, widest gaps first")
    args = parser.parse_args()
    torch.set_num_threads(1)
    sampler = Sampler(args.folder)
    if args.gguf:
        load_gguf_weights(sampler.model, args.gguf)
    chat = [sampler.chat_ids(turns) for turns in CHAT]
    raw = [[BOS] + sampler.sp.encode(text) for text in RAW]
    goldens = (widest(sampler, chat, args.tokens, args.chat)
               + widest(sampler, raw, args.tokens, args.raw))
    args.out.write_text(json.dumps({"prompts": goldens}, separators=(",", ":")) + "\n")
    print(f"{len(goldens)} prompts, smallest gap {min(golden['min_gap'] for golden in goldens)}")


if __name__ == "__main__":
    main()
