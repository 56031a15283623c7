# SPDX-License-Identifier: Apache-2.0
"""Writes a tiny SentencePiece `tokenizer.model` with the structure of Gemma's.

The vocabulary keeps Gemma's order: control ids 0..3, the two turn markers, a newline, 256 byte pieces, merged pieces
(best first) and single characters. Only the standard library is needed, so the same bytes come out everywhere.
"""

import struct

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6

# Enough merges for "the", " the" and "hello" to be one piece each, and a few that overlap ("an" against "nd").
MERGES = ["th", "he", "\u2581the", "in", "er", "an", "\u2581t", "\u2581a", "ll", "the", "and", "hell", "hello"]
CHARACTERS = "\u2581etaonihsrldu" + "cmfpgwybvk,.?!0123456789"

FIRST_NORMAL = 7 + 256


def pieces(vocab_size):
    """Returns [(text, score, type)] with exactly `vocab_size` entries; at least the 13 merges are kept."""
    table = [("<pad>", 0.0, CONTROL), ("<eos>", 0.0, CONTROL), ("<bos>", 0.0, CONTROL), ("<unk>", 0.0, UNKNOWN)]
    table += [(text, 0.0, USER_DEFINED) for text in ("<start_of_turn>", "<end_of_turn>", "\n")]
    table += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    normal = MERGES + list(CHARACTERS)
    room = vocab_size - FIRST_NORMAL
    if not len(MERGES) < room <= len(normal):
        raise ValueError(f"vocab_size must be in ({FIRST_NORMAL + len(MERGES)}, {FIRST_NORMAL + len(normal)}]")
    table += [(text, -float(rank), NORMAL) for rank, text in enumerate(normal[:room])]
    return table


def _varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def model_bytes(vocab_size):
    """Returns the serialised ModelProto (fields: pieces 1, trainer_spec 2, normalizer_spec 3)."""
    out = b""
    for text, score, kind in pieces(vocab_size):
        piece = _bytes(1, text.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", score)
        out += _bytes(1, piece if kind == NORMAL else piece + _number(3, kind))
    trainer = _number(3, 2) + _number(4, vocab_size) + _number(35, 1)  # BPE, vocab_size, byte_fallback
    trainer += _number(40, 3) + _number(41, 2) + _number(42, 1) + _number(43, 0)  # unk, bos, eos, pad
    trainer += _bytes(45, b"<unk>") + _bytes(46, b"<bos>") + _bytes(47, b"<eos>") + _bytes(48, b"<pad>")
    normalizer = _bytes(1, b"identity") + _number(3, 0) + _number(4, 0) + _number(5, 1)
    return out + _bytes(2, trainer) + _bytes(3, normalizer)


def write_tokenizer(path, vocab_size):
    """Writes `tokenizer.model` for `vocab_size` pieces to `path`."""
    with open(path, "wb") as file:
        file.write(model_bytes(vocab_size))
