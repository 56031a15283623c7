#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies a Gemma 2 GGUF and sets the multipliers of its post-norms to zero.

No layer then adds anything to the residual stream, so that the logits are those of the last token's
own embedding, and with random weights that token is the likeliest next one: the model says it over
and over. Every matrix is still read and multiplied. So it is the plainest text that copies itself,
at the full cost of the shape; the temperature says how often it strays.
usage: make_echo_model.py IN.gguf OUT.gguf
"""
import shutil
import struct
import sys

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # of GGUF's numbers
STRING, ARRAY, F32 = 8, 9, 0


def read(file, form):
    return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))


def skip_value(file, kind):
    if kind == STRING:
        file.seek(read(file, "Q")[0], 1)
    elif kind == ARRAY:
        element, count = read(file, "IQ")
        if element in SIZES:
            file.seek(SIZES[element] * count, 1)
        else:
            for _ in range(count):
                skip_value(file, element)
    else:
        file.seek(SIZES[kind], 1)


def post_norms(file):
    """Yields the place in the file and the length of every post-norm."""
    magic, version, tensors, keys = read(file, "4sIQQ")
    assert magic == b"GGUF" and version == 3, (magic, version)
    alignment = 32
    for _ in range(keys):
        name = file.read(read(file, "Q")[0])
        (kind,) = read(file, "I")
        if name == b"general.alignment":
            (alignment,) = read(file, "I")
        else:
            skip_value(file, kind)
    found = []
    for _ in range(tensors):
        name = file.read(read(file, "Q")[0]).decode()
        dims = read(file, "Q" * read(file, "I")[0])
        kind, offset = read(file, "IQ")
        if ".post_" in name:
            assert kind == F32 and len(dims) == 1, (name, kind, dims)
            found.append((offset, 4 * dims[0]))
    data = -(-file.tell() // alignment) * alignment
    return [(data + offset, size) for offset, size in found]


source, target = sys.argv[1:]
shutil.copyfile(source, target)
with open(target, "r+b") as file:
    norms = post_norms(file)
    assert norms, "no post-norm found"
    for place, size in norms:
        file.seek(place)
        file.write(bytes(size))
print(f"{len(norms)} post-norms set to zero")
