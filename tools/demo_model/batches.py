# SPDX-License-Identifier: Apache-2.0
"""Turns the corpus into padded batches of similar length with one loss weight per token."""

import json
import random

import torch

PAD, EOS, BOS = 0, 1, 2
USER_WEIGHT = 0.1  # questions are context: learnt a little, answers count fully


class Encoder:
    """Token ids and loss weights of one document."""

    def __init__(self, sp):
        self.sp = sp
        self.start, self.end = sp.piece_to_id("<start_of_turn>"), sp.piece_to_id("<end_of_turn>")
        self.user = sp.encode("user")[0]

    def ids(self, text):
        """<bos> + text; a trailing <eos> is a control piece, which encode() would spell out."""
        ends = text.endswith("<eos>")
        return [BOS] + self.sp.encode(text.removesuffix("<eos>")) + ([EOS] if ends else [])

    def weights(self, ids):
        """1 for prose and answers, USER_WEIGHT between <start_of_turn>user and <end_of_turn>."""
        weights, in_user = [], False
        for i, token in enumerate(ids):
            if token == self.start:
                in_user = i + 1 < len(ids) and ids[i + 1] == self.user
            weights.append(USER_WEIGHT if in_user else 1.0)
            in_user = in_user and token != self.end
        return weights


def load(path, encoder):
    """All documents of a .jsonl file as (ids, weights) pairs."""
    with open(path, encoding="utf-8") as lines:
        documents = [encoder.ids(json.loads(line)["text"]) for line in lines]
    return [(ids, encoder.weights(ids)) for ids in documents]


def make_batches(documents, tokens_per_batch, seed, pool=4096):
    """Batches of about tokens_per_batch positions; every document starts at position 0.

    Sorting inside pools keeps the padding below a few percent, and no document sees another, which
    packing would only give with block-diagonal masks.
    """
    rng = random.Random(seed)
    order = list(range(len(documents)))
    rng.shuffle(order)
    for first in range(0, len(order), pool):
        part = sorted(order[first:first + pool], key=lambda i: len(documents[i][0]))
        groups, group = [], []
        for i in part:
            if group and (len(group) + 1) * len(documents[i][0]) > tokens_per_batch:
                groups.append(group)
                group = []
            group.append(i)
        groups.append(group)
        rng.shuffle(groups)
        for members in groups:
            yield pad([documents[i] for i in members])


def pad(members):
    """(ids, weights) tensors [batch, longest], padded on the right with weight 0."""
    longest = max(len(ids) for ids, _ in members)
    ids = torch.full((len(members), longest), PAD)
    weights = torch.zeros(len(members), longest)
    for row, (tokens, values) in enumerate(members):
        ids[row, :len(tokens)] = torch.tensor(tokens)
        weights[row, :len(values)] = torch.tensor(values)
    return ids, weights
