# SPDX-License-Identifier: Apache-2.0
"""Trains small.model on corpus.txt and writes corpus_ids.txt, what SentencePiece makes of each line.

The model follows Gemma's conventions (identity normalisation, no dummy prefix, digits split, byte fallback, the same
kinds of user-defined pieces) with 3,200 pieces instead of 256,000. Needs the Python package sentencepiece.
"""

import io
from pathlib import Path

import sentencepiece as spm

FOLDER = Path(__file__).parent
PIECES = 3200

TABLE_TAGS = ["table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"]
BLOCK_TAGS = ["h1", "h2", "h3", "h4", "h5", "h6", "blockquote"]
INLINE_TAGS = ["strong", "em", "b", "i", "u", "s", "sub", "sup", "code"]


def user_defined():
    """Gemma's markers, runs and tags, in its order; fewer reserved pieces."""
    pieces = ["<mask>", "<2mass>", "[@BOS@]"] + [f"<unused{i}>" for i in range(4)]
    pieces += ["<start_of_turn>", "<end_of_turn>"]
    pieces += ["\n" * n for n in range(1, 32)] + ["\u2581" * n for n in range(2, 32)]
    for group in (TABLE_TAGS, BLOCK_TAGS, INLINE_TAGS):
        pieces += [f"<{tag}>" for tag in group] + [f"</{tag}>" for tag in group]
    return pieces + ["[toxicity=0]"] + ["\t" * n for n in range(2, 32)]


def train(lines):
    """Returns the serialised ModelProto; no path of this machine gets into it."""
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type="bpe", vocab_size=PIECES, num_threads=1,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>",
        unk_piece="<unk>", byte_fallback=True, split_digits=True, character_coverage=0.985,
        normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
        user_defined_symbols=user_defined(), minloglevel=1)
    return model.getvalue()


def main():
    lines = (FOLDER / "corpus.txt").read_text(encoding="utf-8").split("\n")[:-1]
    model = train(lines)
    (FOLDER / "small.model").write_bytes(model)
    processor = spm.SentencePieceProcessor(model_proto=model)
    ids = "".join(" ".join(map(str, processor.encode(line))) + "\n" for line in lines)
    (FOLDER / "corpus_ids.txt").write_text(ids, encoding="ascii", newline="\n")
    print(f"{processor.get_piece_size()} pieces, {len(model)} bytes, {len(ids.split())} ids for {len(lines)} lines")


if __name__ == "__main__":
    main()
