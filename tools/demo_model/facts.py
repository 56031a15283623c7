# SPDX-License-Identifier: Apache-2.0
"""Questions with short true answers in closed domains: animals, capitals, numbers, words, time.

Every function takes a random generator and returns (question, answer).
"""

from fact_tables import (BABIES, CAPITALS, DAYS, MIXTURES, MONTHS, ON_PLACES, ONE_WAY, OPPOSITES,
                         THING_COLOURS, WORLD)
from grammar import article, tidy
from words import ANIMALS, COLOURS, NAMES_F, NAMES_M, words


def capital(rng):
    country, city = rng.choice(CAPITALS)
    question = rng.choice(["What is the capital of {c}?"] * 4 + [
        "Which city is the capital of {c}?", "What's the capital of {c}?", "Capital of {c}?",
        "Name the capital of {c}.", "Do you know the capital of {c}?",
        "Tell me the capital of {c}."])
    return question.format(c=country), f"The capital of {country} is {city}".rstrip(".") + "."


def animal(rng):
    name, _, home, food, sound, legs, _ = rng.choice(ANIMALS)
    a_name = f"{article(name)} {name}"
    start = a_name[0].upper() + a_name[1:]
    sounds = "makes no sound at all" if sound.startswith("makes") else sound
    place = ("on " if home in ON_PLACES else "in ") + home
    legs_or_no = "no" if legs == "0" else legs
    whole = f"{start} is an animal that lives {place}. It eats {food}."
    return rng.choice([
        (f"What does {a_name} eat?", f"{start} eats {food}."),
        (f"What do {plural(name)} eat?", f"{plural(name).capitalize()} eat {food}."),
        (f"Where does {a_name} live?", f"{start} lives {place}."),
        (f"What sound does {a_name} make?", f"{start} {sounds}."),
        (f"How many legs does {a_name} have?", f"{start} has {legs_or_no} legs."),
        (f"What is {a_name}?", whole), (f"Describe {a_name}.", whole),
        (f"Tell me about {plural(name)}.", whole),
        (f"What do you know about {plural(name)}?", whole)])


def plural(noun):
    """Plural of a word-list noun; the few irregular ones are listed."""
    odd = {"mouse": "mice", "wolf": "wolves", "sheep": "sheep", "deer": "deer", "fish": "fish",
           "goose": "geese", "reindeer": "reindeer", "octopus": "octopuses", "child": "children",
           "leaf": "leaves", "elf": "elves", "fisherman": "fishermen", "postman": "postmen",
           "snowman": "snowmen", "old man": "old men", "old woman": "old women"}
    if noun in odd:
        return odd[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def compare(rng):
    first, second = rng.sample([row for row in ANIMALS], 2)
    if first[6] == second[6]:
        return animal(rng)
    bigger_wanted = rng.random() < 0.6
    first_wins = (int(first[6]) > int(second[6])) == bigger_wanted
    winner, loser = (first, second) if first_wins else (second, first)
    adjective = "bigger" if bigger_wanted else "smaller"
    question = (f"Which is {adjective}, {article(first[0])} {first[0]} or "
                f"{article(second[0])} {second[0]}?")
    return question, tidy(f"a~ {winner[0]} is {adjective} than a~ {loser[0]}.")


def arithmetic(rng):
    total = rng.randint(0, 20)
    a = rng.randint(0, total)
    if rng.random() < 0.6:
        x, y, z, sign, word = a, total - a, total, "+", "plus"
    else:
        x, y, z, sign, word = total, a, total - a, "-", "minus"
    question = rng.choice(["What is {x} {s} {y}?", "What is {x} {s} {y}?", "What is {x} {w} {y}?",
                           "How much is {x} {s} {y}?", "{x} {s} {y}", "{x} {s} {y} = ?",
                           "How much is {x} {w} {y}?", "{x}{s}{y}", "What's {x} {s} {y}?",
                           "Calculate {x} {s} {y}.", "What is {x}{s}{y}?"])
    return question.format(x=x, y=y, s=sign, w=word), f"{x} {word} {y} is {z}."


def language(rng):
    kind = rng.random()
    if kind < 0.55:
        one, other = rng.choice(OPPOSITES)
        if rng.random() < 0.5 and other not in ONE_WAY:
            one, other = other, one
        question = rng.choice(["What is the opposite of {x}?", "Tell me the opposite of {x}.",
                               "What's the opposite of \"{x}\"?", "Opposite of {x}?"])
        return question.format(x=one), f"The opposite of {one} is {other}."
    if kind < 0.8:
        parent, baby = rng.choice(BABIES)
        return rng.choice([f"What is a baby {parent} called?",
                           f"What do you call a baby {parent}?"]), \
            f"A baby {parent} is called a {baby}."
    many = rng.choice([row[0] for row in ANIMALS])
    return f"What is the plural of {many}?", f"The plural of {many} is {plural(many)}."


def calendar(rng):
    units, unit = (DAYS, "day") if rng.random() < 0.5 else (MONTHS, "month")
    i = rng.randrange(len(units))
    after = rng.random() < 0.5
    other = units[(i + (1 if after else -1)) % len(units)]
    word = "after" if after else "before"
    return rng.choice([f"What {unit} comes {word} {units[i]}?",
                       f"Which {unit} comes {word} {units[i]}?",
                       f"What comes {word} {units[i]}?"]), f"{other} comes {word} {units[i]}."


def colour(rng):
    spelling = rng.choice(["colour", "color"])
    if rng.random() < 0.75:
        thing, its = rng.choice(THING_COLOURS)
        return rng.choice([f"What {spelling} is {thing}?",
                           f"Which {spelling} does {thing} have?"]), \
            f"{thing[0].upper()}{thing[1:]} is {its}."
    pair, result = rng.choice(MIXTURES)
    return f"What {spelling} do you get when you mix {pair}?", \
        f"When you mix {pair}, you get {result}."


def lists(rng):
    pet = rng.choice(ANIMALS)[0]
    topic = rng.choice(["animals", "colours", "names", f"names for a {pet}", "fruits",
                        "farm animals", "capitals"])
    pool = {"animals": [plural(row[0]) for row in ANIMALS], "colours": COLOURS,
            "farm animals": [plural(row[0]) for row in ANIMALS if row[1] == "farm"],
            "fruits": words("apples, pears, plums, cherries, bananas, lemons, grapes, oranges"),
            "capitals": [row[1] for row in CAPITALS[:34]]}.get(topic, NAMES_F + NAMES_M)
    count = rng.choice([2, 3, 3, 3, 4, 5])
    number = ["two", "three", "four", "five"][count - 2]
    picked = rng.sample(sorted(set(pool)), count)
    answer = ", ".join(picked[:-1]) + " and " + picked[-1] + "."
    return rng.choice([f"Name {number} {topic}.", f"Give me {number} {topic}.",
                       f"Can you name {number} {topic}?"]), answer[0].upper() + answer[1:]


def any_fact(rng):
    """One question and answer, domains weighted by how much practice they need."""
    domains = [animal] * 4 + [capital] * 4 + [arithmetic] * 5 + [language] * 2 + [calendar, colour,
                                                                                  compare, compare]
    domains += [lists, lambda r: r.choice(WORLD)]
    question, answer = rng.choice(domains)(rng)
    return question, answer
