# SPDX-License-Identifier: Apache-2.0
"""Writes corpus.txt: lines in some fifty languages, code, tags, white space, numbers and emoji.

Only the standard library is needed and everything is seeded, so the same bytes come out everywhere. No line contains
the text of a control piece (<bos>, <eos>, <pad>, <unk>), since SentencePiece never reads those from text.
"""

import random
from pathlib import Path

from languages import CODE, EMOJI, LANGUAGES, MARKERS, TAGS

LINES = 2600
PUNCTUATION = [", ", "; ", " – ", " (", ") ", "... ", "! ", "? ", ": ", " / ", "-", "  ", "   ", "\t", " \u00a0", "\u3000", "、", "«", "» "]


def plain(rng, sentences, words):
    """One to three sentences."""
    return " ".join(rng.sample(sentences, min(len(sentences), rng.randint(1, 3))))


def word_list(rng, sentences, words):
    """Words with any punctuation between, some in capitals."""
    text = rng.choice(words)
    for _ in range(rng.randint(1, 9)):
        word = rng.choice(words)
        text += rng.choice(PUNCTUATION) + rng.choice([word, word.upper(), word.capitalize(), word[: rng.randint(1, 4)]])
    return text


def numbers(rng, sentences, words):
    """Words among figures."""
    parts = []
    for _ in range(rng.randint(2, 6)):
        parts += [rng.choice(words), rng.choice(["{}", "{},{:03}", "{}.{}", "-{}", "${}", "{}%", "{}:{:02}", "#{}"]).format(
            rng.randrange(10 ** rng.randint(1, 7)), rng.randrange(1000))]
    return " ".join(parts)


def spaced(rng, sentences, words):
    """Runs of spaces and tabs, up to beyond the longest pieces; leading ones too."""
    runs = [rng.choice(" \t") * rng.choice([1, 2, 3, 4, 7, 8, 16, 31, 32, 33, 40]) for _ in range(rng.randint(2, 5))]
    return "".join(run + rng.choice(words) for run in runs)


def marked_up(rng, sentences, words):
    """Tags and chat markers stuck to words."""
    parts = []
    for _ in range(rng.randint(2, 5)):
        parts += [rng.choice(TAGS + MARKERS), rng.choice(["", " "]), rng.choice(words), rng.choice(["", " ", "\t", "<", ">"])]
    return "".join(parts).rstrip()


def with_emoji(rng, sentences, words):
    """Emoji with and without spaces."""
    return "".join(rng.choice(words + EMOJI) + rng.choice(["", "", " "]) for _ in range(rng.randint(3, 9))).rstrip()


def code(rng, sentences, words):
    """A line of code and a foreign comment."""
    return rng.choice(CODE) + rng.choice(["", "  # " + rng.choice(sentences), " // " + rng.choice(words)])


def mixed(rng, sentences, words):
    """This language and another one without a space between."""
    other = LANGUAGES[rng.choice(sorted(LANGUAGES))]
    return rng.choice(sentences) + rng.choice(["", " "]) + rng.choice(other[0]) + rng.choice(other[1])


def jumble(rng, sentences, words):
    """Characters in any order: the merges meet what no text contains."""
    text = list(rng.choice(sentences) + rng.choice(words))
    rng.shuffle(text)
    return "".join(text).rstrip()


KINDS = [plain, plain, plain, word_list, word_list, numbers, spaced, marked_up, with_emoji, code, mixed, jumble]


def main():
    rng = random.Random(20310405)
    lines = []
    names = sorted(LANGUAGES)
    while len(lines) < LINES:
        kind = KINDS[len(lines) // len(names) % len(KINDS)]
        line = kind(rng, *LANGUAGES[names[len(lines) % len(names)]])
        lines.append(line.rstrip(" \t"))
    path = Path(__file__).parent / "corpus.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
