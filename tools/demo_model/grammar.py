# SPDX-License-Identifier: Apache-2.0
"""Turns plots and word lists into stories: casts a hero and a helper, then expands the markup."""

import random
import re
from dataclasses import dataclass

import words as w
from more_plots import MORE_PLOTS
from plots import LAND, OWNER, PLOTS

ALL_PLOTS = {**PLOTS, **MORE_PLOTS}
PRONOUNS = {"m": ("he", "him", "his"), "f": ("she", "her", "her")}
HABITAT_OF = {row[0]: row[1] for row in w.ANIMALS}
PERSON_SEX = {row[0]: row[1] for row in w.PEOPLE}
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")


@dataclass
class Hero:
    """Whom a story is about. word: topic noun; label: noun with adjective; sex: m or f."""
    word: str
    label: str
    habitat: str
    sex: str
    name: str = ""
    is_thing: bool = False
    owns: str = ""
    definite: bool = False


def article(text):
    """'a' or 'an' for the word that follows, by its first letter (with the usual exceptions)."""
    return "an" if text[0].lower() in "aeiou" and not text.startswith(("uni", "one")) else "a"


def capital(text):
    """The text with a capital first letter (str.capitalize would lower the rest)."""
    return text[0].upper() + text[1:]


def tidy(text):
    """Resolves "a~", removes double blanks and capitalises sentence starts."""
    text = re.sub(r" +", " ", text).strip()
    text = re.sub(r"\b(a)~ (\w+)", lambda m: f"{article(m[2])} {m[2]}", text)
    text = re.sub(r"^(\"?)([a-z])", lambda m: m[1] + m[2].upper(), text)
    text = re.sub(r"(\. |[!?] |\.\" )(\"?)([a-z])", lambda m: m[1] + m[2] + m[3].upper(), text)
    return text


def expand(rng, text, slots):
    """Picks every [x|y] alternative, innermost first, then fills the slots (some are calls)."""
    while (match := CHOICE.search(text)):
        text = text[:match.start()] + rng.choice(match[1].split("|")) + text[match.end():]

    def fill(match):
        value = slots[match[1]]
        return value() if callable(value) else value
    return SLOT.sub(fill, text)


def invented_name(rng):
    """A name from syllables: the model must learn to copy names it has never seen."""
    starts = ("Ba Be Da Do Fa Fi Ga Jo Ka Ki La Lo Ma Mo Na No Pa Po Ra Ri Sa Su Ta Ti Va Vi Wi "
              "Ya Zu").split()
    middles = ["", "", "la", "ri", "mo", "ni", "va", "do", "be", "ka", "to"]
    ends = "n lo ra mi ko da li x ss na ro ma ti by ny lla ndo rk".split()
    return rng.choice(starts) + rng.choice(middles) + rng.choice(ends)


def random_topic(rng):
    """A topic noun: mostly animals, then people, things, creatures of fantasy, nature."""
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(w.ANIMALS)[0]
    if kind < 0.63:
        return rng.choice(w.PEOPLE)[0]
    if kind < 0.75:
        return rng.choice(w.FANTASY)
    if kind < 0.89:
        return rng.choice(w.OBJECTS)
    return rng.choice(w.NATURE) if kind < 0.97 else rng.choice(w.SINGLE)


def picks_for(rng, topic, purpose):
    """Half of the time a generator that depends on the topic alone.

    So every topic has its favourite name, home, helper and plot, and greedy decoding, which always
    takes the most frequent turn, still tells different stories about different topics.
    """
    return random.Random(f"{purpose} of {topic}") if rng.random() < 0.5 else rng


def cast(rng, topic, name=None, adjective=None, owns=""):
    """Makes a Hero of a topic noun; unknown nouns become things with a face and feelings."""
    rng = picks_for(rng, topic, "cast")
    sex = PERSON_SEX.get(topic, "x")
    if sex == "x":
        sex = rng.choice("mf")
    if topic == "mermaid":
        sex = "f"
    is_thing = topic in w.OBJECTS or topic in w.NATURE or topic in w.SINGLE
    habitat = HABITAT_OF.get(topic) or ("sea" if topic == "mermaid" else
                                        "wood" if topic in w.NATURE else "town")
    if topic in w.FANTASY and topic != "mermaid":
        habitat = rng.choice(["wood", "town", "wood", "farm"])
    if adjective is None:
        pool = w.COLOURS if is_thing and rng.random() < 0.4 else w.ADJ
        adjective = rng.choice(pool) if rng.random() < 0.9 else ""
    if name is None and rng.random() < 0.8:
        names = w.NAMES_M if sex == "m" else w.NAMES_F
        name = rng.choice(names) if rng.random() < 0.97 else invented_name(rng)
    return Hero(topic, f"{adjective} {topic}".strip(), habitat, sex, name or "", is_thing, owns,
                topic in w.SINGLE)


OPENINGS = [
    "[Once upon a time|Once upon a time|Once upon a time|Long ago|Once|Many years ago], there was "
      "{a_h} named {name}. [{he} lived {lives}.|{name} lived {lives}.|]",
    "[Once upon a time|Long ago|Once|A long time ago], {lives}, there lived {a_h} named {name}.",
    "[Once upon a time|Once], {a_h} [named|called] {name} lived {lives}.",
    "There once was {a_h} [named|called] {name}, who lived {lives}.",
    "{name} was {a_h}. {he} lived {lives}.",
    "{the_h} lived {lives}. [{his} name was {name}.|Everyone called {him} {name}.]",
    "This is the story of {a_h} named {name}, who lived {lives}.",
    "{a_h} named {name} lived {lives}.",
    "{lives} lived {a_h} named {name}.",
    "One [sunny|cold|grey|quiet|warm] morning, {a_h} named {name} [woke up early|looked out of the "
      "window]. {he} lived {lives}.",
]
PLAIN_OPENINGS = [
    "[Once upon a time|Once upon a time|Long ago|Once], there was {a_h} who lived {lives}.",
    "[Once upon a time|Long ago], {lives}, there lived {a_h}.",
    "There once was {a_h}, who lived {lives}.",
    "{the_h} lived {lives}.", "{a_h} lived {lives}.", "{lives} lived {a_h}.",
    "It was a [dark|warm|quiet|cold] night {lives}. {a_h} looked at the [moon|stars].",
]
TRAITS = [
    "{he} [liked|loved] [to sing|to laugh|the rain|the morning|to look at the stars|sweet {food}|a "
      "good story|to play {spot}].",
    "Everyone [liked|knew] {him}, because {he} was [always friendly|so funny|very kind|always in a "
      "good mood].",
    "Every [morning|evening], {he} [sat|sang|danced|played] {spot}.", "{his} best friend was {s}.",
    "{he} was [small|not very big], but {he} had a [big heart|big dream|loud voice].",
]
CLOSINGS = [
    "And [so|from that day on], {n} was [never sad|happy|never bored] again.", "The end.",
    "And they lived happily ever after.",
    "That night, {n} [slept very well|went to bed with a smile|dreamed of new adventures].",
    "And if you go there, you can [still see {him}|still hear {him} laugh].", "What a day it was!",
    "{n} never forgot that day.",
    "And [that|this] is how {n} and {s} became [good|best|close] friends.",
]
MORALS = {
    "patience": "good things take time", "practice": "practice makes you better every day",
    "courage": "being brave means to go on although you are afraid",
    "sharing": "sharing makes everyone happy",
    "friendship": "a friend makes every day brighter",
    "kindness": "a little kindness goes a long way",
    "gratitude": "it is good to be happy with what you have", "hope": "there is always a way home",
    "forgiveness": "it is never too late to say sorry",
    "honesty": "the truth is always the best way",
    "teamwork": "together we can do great things", "curiosity": "asking questions opens new doors",
}


class Story:
    """One story: .text is the prose, and the cast stays available for follow-up questions."""

    def __init__(self, rng, hero, helper=None, theme=None, plot=None, fix=None):
        self.rng, self.hero = rng, hero
        picks = picks_for(rng, hero.word, "story")
        self.opening = picks.choice(OPENINGS if hero.name else PLAIN_OPENINGS)
        self.plot = plot or self.choose_plot(picks, theme)
        lives, spots, shelters, helpers = w.HABITATS[hero.habitat]
        self.helper = helper or picks.choice([x for x in helpers if x != hero.word])
        helper_sex = PERSON_SEX.get(self.helper, "x")
        self.helper_sex = rng.choice("mf") if helper_sex == "x" else helper_sex
        thing = hero.owns or rng.choice(w.COLOURS) + " " + rng.choice(w.OBJECTS)
        self.home, self.food = picks.choice(lives), picks.choice(w.FOODS)
        spot, spot2 = picks.sample(spots, 2)
        he, him, his = PRONOUNS[hero.sex]
        she, her, hers = PRONOUNS[self.helper_sex]
        label = f"the {hero.label}" if hero.definite else f"a~ {hero.label}"
        self.slots = {
            "a_h": label, "the_h": f"the {hero.label}", "name": hero.name, "lives": self.home,
            "n": self.call_hero, "N": lambda: capital(self.call_hero()),
            "s": self.call_helper, "S": lambda: capital(self.call_helper()),
            "he": he, "him": him, "his": his,
            "she": she, "her": her, "hers": hers, "thing": thing, "thing_a": f"a~ {thing}",
            "spot": spot, "spot2": spot2, "shelter": picks.choice(shelters), "food": self.food,
            "skill": picks.choice(w.SKILLS), "fear": picks.choice(w.FEARS),
            "find": picks.choice(w.FINDS), "build": picks.choice(w.BUILDS),
            "gift": picks.choice(w.GIFTS), **(fix or {})}
        self.helper_seen = 0
        self.theme = ALL_PLOTS[self.plot][0]
        self.text = self.tell()

    def choose_plot(self, picks, theme):
        def fits(plot):
            its_theme, needs, _ = ALL_PLOTS[plot]
            if self.hero.owns:
                return plot in ("lost thing", "swap")
            if theme and its_theme != theme:
                return False
            return not (needs == LAND and (self.hero.habitat == "sea" or self.hero.is_thing)
                        or needs == OWNER and self.hero.is_thing)
        return picks.choice([plot for plot in ALL_PLOTS if fits(plot)] or ["lonely"])

    def call_hero(self):
        hero = self.hero
        options = [hero.name] * 5 if hero.name else [f"the {hero.label}"]
        return self.rng.choice(options + [f"the {hero.word}"] * 2)

    def call_helper(self):
        self.helper_seen += 1
        first = self.helper_seen == 1 and self.rng.random() < 0.7
        return f"a~ {self.helper}" if first else f"the {self.helper}"

    def say(self, text):
        return tidy(expand(self.rng, text, self.slots))

    def tell(self):
        rng = self.rng
        parts = [self.opening]
        if self.hero.owns:
            parts.append("[{he} had {thing_a}.|{his} greatest treasure was {thing_a}.|{he} had "
                           "{thing_a} and took it everywhere.]")
        elif rng.random() < 0.35:
            parts.append(rng.choice(TRAITS))
        parts += [rng.choice(beat) for beat in ALL_PLOTS[self.plot][2]]
        if rng.random() < 0.35:
            parts.append(rng.choice(CLOSINGS))
        if rng.random() < 0.2:
            moral = MORALS[self.theme]
            parts.append(f"[The moral of the story is that|{{n}} learned that|Remember that] "
                           f"{moral}.")
        return " ".join(self.say(part) for part in parts)
