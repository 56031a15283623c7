# SPDX-License-Identifier: Apache-2.0
"""Whole documents: raw stories, story requests with follow-up questions, and mixed dialogues.

A document is the text after <bos>, with Gemma's turn markers written out. Stories end with <eos>;
dialogues end with the marker and newline of their last turn, as Gemma's chat template writes them,
and a final <eos>.
"""

import chat
import facts
import words as w
from grammar import Story, cast, expand, invented_name, random_topic, tidy

USER, MODEL, END = "<start_of_turn>user\n", "<start_of_turn>model\n", "<end_of_turn>\n"

REQUESTS = ["Tell me a story about {t}.", "Tell me a story about {t}.",
            "Tell me a story about {t}.",
            "Write a short story about {t}.", "Write a story about {t}.",
            "Tell me about {t} in a story.",
            "I want to hear a story about {t}.", "A story about {t}, please.", "Story about {t}",
            "Tell me a short story about {t}.", "Do you know a story about {t}?",
            "Make up a story about {t}.",
            "Tell a story about {t}.", "Write me a bedtime story about {t}.",
            "Tell me a tale about {t}."]
OPEN_REQUESTS = ["Tell me a story.", "Write a story.", "Tell me a bedtime story.",
                 "A story, please.",
                 "Write a short story.", "Tell me something.", "Surprise me!", "I am bored."]
AGAIN = ["Tell me another one.", "Another story, please.", "One more!", "Tell me another story."]
AGAIN_ABOUT = ["Now a story about {t}.", "Tell me another one about {t}.", "And one about {t}?",
               "Now tell me a story about {t}."]
NEXT = ["And what happened next?", "What happened next?", "And then?", "Go on.", "Continue.",
        "What happened then?", "Continue the story.", "And after that?"]
SEQUELS = [
    "The next [day|morning], {n} [woke up early|could hardly wait] and went to {s}. [They played "
      "{spot2} all day.|Together they ate {food} and made new plans.] And in the evening, they "
      "[watched the stars|told each other stories].",
    "[A week later|Some days later|In the winter], {n} met {s} again {spot}. \"[Do you "
      "remember|Have you had {food} yet]?\" asked {s}. They [laughed|talked] for a long time, and "
      "{n} went home happy.",
    "After that, {n} [told everyone the story|slept for a whole day|had many more adventures]. And "
      "{s} came to visit {him} every [Sunday|summer|week].",
    "Then {n} went home and [dreamed of {food}|fell asleep]. The next day {he} found {find} "
      "{spot2}. But that is another story.",
]


def turn(question, answer):
    return f"{USER}{question}{END}{MODEL}{answer}{END}"


def an(noun):
    return tidy(f"x a~ {noun}")[2:]


def story_request(rng):
    """A request whose wish (topic, name, owner, helper, theme, skill, fear) the story fulfils."""
    kind, topic = rng.random(), random_topic(rng)
    fix, plot, helper, name, adjective, owns, theme = {}, None, None, None, None, "", None
    wish = "the " + topic if topic in w.SINGLE else an(topic)
    if kind < 0.10:
        adjective = rng.choice(sorted(set(w.ADJ + w.COLOURS)))
        wish = ("the " if topic in w.SINGLE else "") + (f"{adjective} {topic}" if topic in w.SINGLE
                                                        else an(f"{adjective} {topic}"))
    elif kind < 0.16:
        owns, topic = rng.choice(w.OBJECTS), rng.choice([row[0] for row in w.PEOPLE + w.ANIMALS])
        wish = f"{an(topic)} and {an(owns)}"
    elif kind < 0.26:
        helper = rng.choice([row[0] for row in w.ANIMALS + w.PEOPLE] + w.FANTASY)
        if helper != topic:
            wish += f" and {an(helper)}"
        else:
            helper = None
    elif kind < 0.33:
        fix, plot = {"skill": rng.choice(w.SKILLS)}, "learn"
        wish += rng.choice([" who wants to ", " who wanted to ", " who learns to "]) + fix["skill"]
    elif kind < 0.38:
        fix, plot = {"fear": rng.choice(w.FEARS)}, "fear"
        wish += rng.choice([" who is afraid of ", " who was afraid of "]) + fix["fear"]
    elif kind < 0.43 and topic not in w.SINGLE:
        wish = facts.plural(topic)
    elif kind < 0.47:
        theme = rng.choice(w.THEMES)
        wish = theme
    named = 0.47 < kind < 0.58
    if named and rng.random() < 0.6:
        name = invented_name(rng)
    hero = cast(rng, topic, name, adjective, owns)
    if named and hero.name:
        wish += f" named {hero.name}"
    story = Story(rng, hero, helper, theme, plot, fix)
    while helper and f" {helper}" not in story.text:  # some plots can do without the helper
        story = Story(rng, hero, helper, theme, plot, fix)
    return rng.choice(REQUESTS).format(t=wish), story


def follow_up(rng, story):
    """A question about the story just told, answerable from its text."""
    hero, kind = story.hero, rng.random()
    if kind < 0.5:
        return rng.choice(NEXT), tidy(expand(rng, rng.choice(SEQUELS), {**story.slots,
                                             "s": lambda: f"the {story.helper}"}))
    if kind < 0.75 and hero.name:
        return rng.choice([f"What was the name of the {hero.word}?",
                           f"What is the {hero.word} called?",
                           "What was the name?"]), f"The {hero.word} was called {hero.name}."
    if kind < 0.9 and story.home in story.text:
        return f"Where did the {hero.word} live?", f"The {hero.word} lived {story.home}."
    return rng.choice(["What can we learn from this story?", "What is the moral of the story?"]), \
        f"This is a story about {story.theme}."


def story_dialogue(rng):
    """A story request, often followed by one or two more turns."""
    if rng.random() < 0.12:
        question, story = rng.choice(OPEN_REQUESTS), Story(rng, cast(rng, random_topic(rng)))
    else:
        question, story = story_request(rng)
    text = turn(chat.vary(rng, question), story.text)
    draw = rng.random()
    if draw < 0.25:
        text += turn(*follow_up(rng, story))
        if rng.random() < 0.3:
            text += turn(*chat.small_talk(rng))
    elif draw < 0.33:
        request, second = story_request(rng)
        topic = request.rstrip(".?!").partition(" about ")[2]
        plain = topic and ", please" not in topic and " in a story" not in topic
        if plain and rng.random() < 0.6:
            text += turn(rng.choice(AGAIN_ABOUT).format(t=topic), second.text)
        else:
            text += turn(rng.choice(AGAIN), Story(rng, cast(rng, random_topic(rng))).text)
    elif draw < 0.38:
        text += turn(*chat.small_talk(rng))
    return text


def short_dialogue(rng):
    """One to five short turns: facts, greetings, identity, refusals, jokes, poems."""
    kinds = [facts.any_fact] * 9 + [chat.small_talk] * 4 + [chat.about] * 3 + [chat.too_hard] * 3
    kinds += [chat.joke, chat.poem, chat.poem]
    parts = []
    for _ in range(rng.choice([1, 1, 2, 3, 4, 5])):
        question, answer = rng.choice(kinds)(rng)
        parts.append(turn(chat.vary(rng, question), answer))
    if rng.random() < 0.12:
        question, story = story_request(rng)
        parts.append(turn(chat.vary(rng, question), story.text))
    return "".join(parts)


def long_dialogue(rng):
    """A dialogue that nearly fills the context of 512 tokens: late positions need training too."""
    text, goal = "", rng.randint(1200, 1900)
    while len(text) < goal:
        more = rng.choice([story_dialogue, short_dialogue])(rng)
        if len(text) + len(more) < 2150:
            text += more
    return text


def raw_story(rng):
    """A story without chat markers, sometimes with a title, sometimes two paragraphs."""
    story = Story(rng, cast(rng, random_topic(rng)))
    text = story.text
    if rng.random() < 0.15:
        title = f"The {story.hero.label} and the {story.helper}".title()
        title = title.replace(" And The ", " and the ")
        text = f"{title}\n\n{text}"
    return text + "<eos>"


def document(rng):
    """One training document; about half of the tokens are chat stories."""
    draw = rng.random()
    if draw < 0.03:
        return long_dialogue(rng) + "<eos>"
    if draw < 0.42:
        return story_dialogue(rng) + "<eos>"
    if draw < 0.80:
        return short_dialogue(rng) + "<eos>"
    return raw_story(rng)
