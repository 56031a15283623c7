# SPDX-License-Identifier: Apache-2.0
"""Writes the demo corpus: train.jsonl and heldout.jsonl, one {"text": ...} object per line.

<bos> is not part of a text; train.py and the KL measurement put it in front. Both splits come from
the same generator with different seeds, and no held-out text occurs in the training split.
"""

import argparse
import json
import random
from pathlib import Path

from dialogues import document

TRAIN_SEED, HELDOUT_SEED = 20240, 77


def heldout_documents(count):
    """Distinct documents of a paragraph or more: a bare greeting cannot be held out."""
    rng, texts = random.Random(HELDOUT_SEED), {}
    while len(texts) < count:
        text = document(rng)
        if len(text) > 250:
            texts[text] = None
    return list(texts)


def training_documents(count, heldout):
    """Documents outside the held-out split; long ones occur once, greetings as often as drawn."""
    rng, seen, texts = random.Random(TRAIN_SEED), set(heldout), []
    while len(texts) < count:
        text = document(rng)
        if text not in seen:
            texts.append(text)
            if len(text) > 250:
                seen.add(text)
    return texts


def write(path, texts):
    with open(path, "w", encoding="utf-8") as out:
        for text in texts:
            out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--train", type=int, default=100_000, help="training documents")
    parser.add_argument("--heldout", type=int, default=300, help="held-out documents")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    heldout = heldout_documents(args.heldout)
    train = training_documents(args.train, heldout)
    write(args.out / "heldout.jsonl", heldout)
    write(args.out / "train.jsonl", train)
    letters = sum(map(len, train))
    print(f"{len(train)} training documents, {letters / 1e6:.1f} million characters, "
          f"{letters / len(train):.0f} per document; {len(heldout)} held out")


if __name__ == "__main__":
    main()
