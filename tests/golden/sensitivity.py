# SPDX-License-Identifier: Apache-2.0
"""Shows that the goldens can fail: what each classic mistake in a Gemma 2 port would change, per case.

For every mistake the oracle runs deliberately wrong and prints the largest change of a logit in every case. The test's
bound is 2e-4; the program fails when no case shows a mistake at fifty times that bound.
"""

import json
import math
import pathlib
import sys
from dataclasses import replace

import numpy as np

from seeded_tiny import forward, load_case

BOUND = 2e-4

MISTAKES = {  # name -> (config -> wrong config)
    "window + 1": lambda c: replace(c, window=c.window + 1),
    "window - 1": lambda c: replace(c, window=c.window - 1),
    "odd layers local": lambda c: replace(c, local_parity=1),
    "all layers local": lambda c: replace(c, all_local=True),
    "all layers global": lambda c: replace(c, window=10**6),
    "scale head_dim^-0.5": lambda c: replace(c, query_scale=c.head_dim**-0.5),
    "scale (hidden/heads)^-0.5": lambda c: replace(c, query_scale=(c.hidden_size / c.num_heads)**-0.5),
    "no attention cap": lambda c: replace(c, attention_cap=1e9),
    "no final cap": lambda c: replace(c, final_cap=1e9),
    "rounded embedding scale": lambda c: replace(c, embedding_scale=rounded_scale(c)),
    "no embedding scale": lambda c: replace(c, embedding_scale=1.0),
    "heads interleaved over kv": lambda c: replace(c, interleaved_heads=True),
    "RoPE of adjacent pairs": lambda c: replace(c, adjacent_rope=True),
    "RoPE theta 1e6": lambda c: replace(c, rope_theta=1e6),
    "eps 1e-5": lambda c: replace(c, eps=1e-5),
    "erf GELU": lambda c: replace(c, exact_gelu=True),
}
SUBTLE = {"erf GELU"}  # the two forms differ by 1.5e-4 at most, so no case can show much more


def rounded_scale(config):
    bits = np.array([math.sqrt(config.hidden_size)], np.float32).view(np.uint32)
    return float(((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)[0])


def main(data):
    cases = []
    for file in sorted(data.glob("*/golden.json")):
        golden = json.loads(file.read_text())
        cases.append((file.parent.name, *load_case(file.parent, golden), golden["tokens"]))
    right = [forward(config, tensors, tokens) for _, config, tensors, tokens in cases]
    for number, (name, *_) in enumerate(cases, 1): print(f"({number}) {name}")
    print(f"{'mistake':28}" + "".join(f"{f'({n})':>9}" for n in range(1, len(cases) + 1)))
    for mistake, change in MISTAKES.items():
        shifts = [np.abs(forward(change(config), tensors, tokens) - logits).max()
                  for (_, config, tensors, tokens), logits in zip(cases, right)]
        print(f"{mistake:28}" + "".join(f"{shift:9.2g}" for shift in shifts))
        assert max(shifts) > (20 if mistake in SUBTLE else 50) * BOUND, mistake


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "data")
