# SPDX-License-Identifier: Apache-2.0
"""Prints greedy and sampled continuations of a checkpoint, to judge its quality by eye."""

import argparse
from pathlib import Path

import sentencepiece as spm
import torch
from transformers import Gemma2ForCausalLM

from batches import BOS, EOS

CHAT_PROMPTS = [
    ["Tell me a story about a fox."], ["Write a short story about a girl and a kite."],
    ["Tell me a story about a dragon named Kalimo."], ["story about a zeppelin"],
    ["Tell me a story about a mouse who is afraid of thunder."],
     ["Tell me a story about friendship."],
    ["Hello!"], ["Who are you?"], ["What can you do?"], ["What is the capital of France?"],
    ["What is 7 + 5?"], ["What does an owl eat?"], ["What is the opposite of hot?"],
    ["Explain how a rocket engine works."], ["Write a poem about the sea."], ["Tell me a joke."],
    ["Tell me a story about a bear.", "And what happened next?", "What was the name of the bear?"],
    ["hi", "What is the capital of Japan?", "Thanks!"],
]
RAW_PROMPTS = ["Once upon a time", "The little fox", "One day, the owl", "In a small village"]


class Sampler:
    """A checkpoint in float32 with its tokenizer; generates until <end_of_turn> or <eos>."""

    def __init__(self, folder, tokenizer=None):
        self.sp = spm.SentencePieceProcessor(
            model_file=str(tokenizer or folder / "tokenizer.model"))
        self.model = Gemma2ForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                       attn_implementation="eager").eval()
        self.stops = [EOS, self.sp.piece_to_id("<end_of_turn>")]

    def chat_ids(self, turns):
        """Ids of a dialogue that waits for a reply; turns alternate user, model, user, ..."""
        text = "".join(f"<start_of_turn>{('user', 'model')[i % 2]}\n{turn}<end_of_turn>\n"
                       for i, turn in enumerate(turns))
        return [BOS] + self.sp.encode(text + "<start_of_turn>model\n")

    @torch.no_grad()
    def complete(self, ids, temperature=0.0, limit=220):
        options = {"do_sample": False} if temperature == 0 else {
            "do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 0.95}
        prompt = torch.tensor([ids])
        output = self.model.generate(prompt, attention_mask=torch.ones_like(prompt), **options,
                                     max_new_tokens=limit, eos_token_id=self.stops)[0, len(ids):]
        ended = output[-1].item() in self.stops
        tokens = output.tolist()[:-1] if ended else output.tolist()
        return self.sp.decode(tokens) + ("" if ended else " [...]")


def show_chat(sampler, questions, temperature):
    turns = []
    for question in questions:
        turns.append(question)
        turns.append(sampler.complete(sampler.chat_ids(turns), temperature))
        print(f"> {question}\n{turns[-1]}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="Hugging Face directory with tokenizer.model")
    parser.add_argument("--prompt", action="append", help="one user turn instead of the list")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    sampler = Sampler(args.folder)
    for questions in ([[p] for p in args.prompt] if args.prompt else CHAT_PROMPTS):
        show_chat(sampler, questions, args.temperature)
    for text in [] if args.prompt else RAW_PROMPTS:
        ids = [BOS] + sampler.sp.encode(text)
        print(f"| {text}{sampler.complete(ids, args.temperature)}\n")


if __name__ == "__main__":
    main()
