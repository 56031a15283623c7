# SPDX-License-Identifier: Apache-2.0
"""Trains tokenizer.model: SentencePiece BPE with the same conventions as Gemma's own file.

Identity normalisation, no dummy prefix, digits split, byte fallback; <start_of_turn> and
<end_of_turn>, newline runs and space runs are user-defined pieces, matched before any merge.
"""

import argparse
import json
import random
import re
import string
from pathlib import Path

import sentencepiece as spm

MARKERS = ["<start_of_turn>", "<end_of_turn>"]
NEWLINE_RUNS = ["\n" * n for n in (1, 2, 3)]
SPACE_RUNS = ["\u2581" * n for n in range(2, 9)]
SPLIT_AT = re.compile(r"<start_of_turn>|<end_of_turn>|<eos>|\n")


def sentences(corpus, count):
    """Plain lines of a corpus sample: the trainer must not see markers or newlines."""
    lines = corpus.read_text(encoding="utf-8").splitlines()
    for line in random.Random(1).sample(lines, min(count, len(lines))):
        yield from filter(None, SPLIT_AT.split(json.loads(line)["text"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="train.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder for tokenizer.model")
    parser.add_argument("--pieces", type=int, default=2560)
    parser.add_argument("--documents", type=int, default=30_000, help="size of the sample")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    spm.SentencePieceTrainer.train(
        sentence_iterator=sentences(args.corpus, args.documents),
        model_prefix=str(args.out / "tokenizer"), model_type="bpe", vocab_size=args.pieces,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>",
        bos_piece="<bos>", unk_piece="<unk>", byte_fallback=True, split_digits=True,
        normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
        # Every printable ASCII character gets a piece, also those no story uses.
        required_chars="".join(c for c in string.printable if c.isprintable() and c != " "),
        user_defined_symbols=MARKERS + NEWLINE_RUNS + SPACE_RUNS, num_threads=1)
    (args.out / "tokenizer.vocab").unlink()
    check(spm.SentencePieceProcessor(model_file=str(args.out / "tokenizer.model")))


def check(sp):
    """Fails loudly when a convention that the engine relies on does not hold."""
    assert [sp.id_to_piece(i) for i in range(4)] == ["<pad>", "<eos>", "<bos>", "<unk>"]
    assert all(sp.id_to_piece(sp.piece_to_id(p)) == p for p in MARKERS + NEWLINE_RUNS + SPACE_RUNS)
    assert all(sp.piece_to_id(f"<0x{b:02X}>") != sp.unk_id() for b in range(256))
    assert len(sp.encode("<end_of_turn>\n<start_of_turn>")) == 3
    for text in ("The little fox", " two  blanks\n\nand\tcaf\u00e9 12 = 34~", "\U0001F999"):
        assert sp.decode(sp.encode(text)) == text, text
    print(f"{sp.get_piece_size()} pieces;", sp.encode("Tell me a story about a fox.", out_type=str))


if __name__ == "__main__":
    main()
