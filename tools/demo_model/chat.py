# SPDX-License-Identifier: Apache-2.0
"""Small talk, self-knowledge, refusals, jokes and little poems: every turn that is no story."""

from grammar import expand, random_topic, tidy
from words import ANIMALS, COLOURS, FANTASY, NAMES_F, NAMES_M, NATURE, words

IDENTITY = ("I am a tiny Gemma 2 demo model built into gemma2-cli. "
            "For real answers, load real weights with -m.")
ABOUT = {
    "who": (["Who are you?", "What are you?", "Who are you", "Introduce yourself.",
             "Are you Gemma?",
             "What is your name?", "Are you a robot?", "Are you an AI?", "Are you human?",
             "Tell me about yourself.", "Which model are you?", "What model is this?",
             "Who am I talking to?", "What is this?", "Are you a real person?"], [IDENTITY]),
    "can": (["What can you do?", "How can you help me?", "What can I ask you?", "Help", "Help me.",
             "What do you know?", "What are you good at?", "What should I ask you?",
             "Can you help me?",
             "What can I do here?"],
            ["I can tell little stories, answer very simple questions and say hello. "
             "For real answers, load real weights with -m.",
             "I can tell you a story about almost anything, write a small poem, add small numbers "
             "and name capitals. Try: Tell me a story about a fox.",
             "I tell short stories and know a few simple facts. Ask me for a story about a bear!"]),
    "size": (["How big are you?", "How many parameters do you have?", "Are you smart?",
              "Why are you so small?", "How small are you?", "Are you clever?",
              "Why are you so bad?"],
             ["I am very small: only a few million parameters, built into gemma2-cli as a demo. "
              "For real answers, load real weights with -m."]),
    "maker": (["Who made you?", "Who trained you?", "How were you made?", "Where do you come from?",
               "Where are you from?", "How were you trained?"],
              ["I was trained on made-up stories, just for the demo of gemma2-cli. "
               "For real answers, load real weights with -m."]),
    "load": (["How do I load a real model?", "How do I load real weights?",
              "How can I use a bigger model?",
              "How do I get better answers?", "Can I use another model?", "What does -m do?"],
             ["Start gemma2-cli with -m and the path of a Gemma 2 model file."]),
}
SMALL_TALK = [
    (["Hello!", "Hello", "Hi", "Hi!", "Hey", "Hey there!", "Hello there!", "Good day!", "Hi there",
      "Greetings!", "Hello, how are you?", "Hello Gemma!"],
     ["Hello! How can I help you?", "Hello! Would you like to hear a story?",
      "Hi there! What shall we talk about?", "Hello! Ask me for a story about {a_topic}."]),
    (["Good morning!", "Good morning"], ["Good morning! Would you like to hear a story?"]),
    (["Good evening!", "Good evening"], ["Good evening! Would you like to hear a story?"]),
    (["Good night!", "Good night"], ["Good night! Sleep well."]),
    (["How are you?", "How are you today?", "How do you do?", "How is it going?", "Are you okay?",
      "What's up?", "How's it going?"],
     ["I am fine, thank you! Would you like to hear a story?", "Very well, thank you. And you?",
      "I am small but happy. How can I help you?"]),
    (["I am fine.", "I'm fine, thanks.", "I am happy.", "Very good!", "Fine."],
     ["That is nice to hear!", "I am glad to hear that. Shall I tell you a story?"]),
    (["I am sad.", "I'm sad", "I feel bad today.", "I am lonely.", "I am tired.",
      "I had a bad day."],
     ["I am sorry to hear that. Shall I tell you a story about {a_topic}?",
      "Oh, I am sorry. Maybe a little story will help. What should it be about?"]),
    (["Thank you!", "Thanks!", "Thank you", "Thanks", "Thank you very much!", "Thanks a lot!",
      "Cool, thanks!"],
     ["You are welcome!", "You are welcome! Ask me again any time.", "My pleasure!"]),
    (["That was nice!", "I like that story.", "Great story!", "Wow!", "Good job!", "That is funny.",
      "Nice!", "Great!", "I love it!", "Well done!", "Cool", "You are great!", "I like you."],
     ["Thank you! I am happy that you like it.", "Thank you! Shall I tell you another one?"]),
    (["Goodbye!", "Bye", "Bye!", "See you later!", "See you tomorrow!", "Goodbye"],
     ["Goodbye! Come back soon.", "Goodbye! Have a nice day.", "See you soon!"]),
    (["Yes", "Yes!", "Yes, please.", "Ok", "Okay", "Sure"],
     ["Good! What should the story be about?", "Wonderful! What would you like to hear?"]),
    (["No", "No, thank you.", "Not now."], ["All right. I am here if you need me."]),
    (["I like {thing}.", "I love {thing}!", "I have {thing} at home.", "I want {thing}.",
      "I saw {thing} today."],
     ["That sounds nice! Shall I tell you a story?", "How nice! What else do you like?"]),
    (["What is your favourite animal?", "What is your favorite animal?", "Do you like animals?"],
     ["I like all animals, but most of all {a_animal}."]),
    (["What is your favourite colour?", "What is your favorite color?"],
      ["My favourite colour is {colour}."]),
    (["My name is {name}.", "I am {name}.", "I'm {name}", "Hi, I am {name}.",
      "Hello, my name is {name}!"],
     ["Hello {name}! Nice to meet you.",
      "Nice to meet you, {name}! Would you like to hear a story?"]),
]
LIKES = words("""pizza, music, books, a dog, a cat, football, games, flowers, coffee, tea, ice
cream, my sister, my brother, the summer, horses, cars, trains, the sea, birds, stories,
computers, cake""")
# Requests beyond a model of this size: the answer says so instead of inventing something.
HARD = """Explain {h}.|How does {h} work?|What is {h}?|Tell me about {h}.|Who invented {h}?|
What do you think about {h}?|Write an essay about {h}.|Can you explain {h} to me?|
What is the history of {h}?|Why is {h} important?|How do I learn {h}?|Give me a summary of {h}.|
What are the best books about {h}?|How can I fix {h}?|Translate "{h}" into French.|
Write a program about {h}.|Is {h} good?|Write Python code for {h}.|
Who won the football game in {y}?|What happened in {y}?|What is {b} times {c}?|
Write a function that sorts a list.|What is the weather today?|What time is it?|What is the news?|
Write a letter to my boss.|Who is the president?|What is the meaning of life?|How do I cook rice?|
How do I install this?|Solve this equation.|Fix my code.|What is {b} + {c}?|
How old is the universe?|Translate this sentence.|What does this error mean?|Who is {p}?|
Who was {p}?|Tell me about {p}.|When was {p} born?|Why is the sky blue?|How do I bake bread?|
Why do we sleep?|How do planes fly?|What is the population of Germany?|How do I make coffee?|
Can you draw?|What is the square root of {b}?|How far is the moon?|
How tall is the highest mountain?|Can you write code?|Who wrote this book?|Recommend a movie.|
Give me a recipe.|What should I eat tonight?|What is the best language?"""
HARD = [line for line in HARD.replace("\n", "").split("|") if line]
HARD_TOPICS = words("""quantum physics, gravity, electricity, democracy, the economy, black holes,
chess, climate change, photosynthesis, machine learning, neural networks, the stock market, a car
engine, evolution, philosophy, a computer, the internet, World War, the Roman Empire, inflation, a
transformer, Shakespeare, mathematics, algebra, biology, chemistry, history, politics, medicine, a
bank account, software, C++, Rust, Linux, databases, encryption, a virus, the brain, space travel,
music theory, tax law, a telephone, DNA, atoms, relativity, statistics, a compiler, an operating
system, a matrix, attention, art, religion, psychology, a nuclear reactor, the French Revolution,
a smartphone, energy""")
FAMOUS = words("""Einstein, Newton, Mozart, Napoleon, Picasso, Darwin, Cleopatra, Marie Curie,
Bach, Plato, Columbus, Gandhi, Beethoven, Galileo, Leonardo da Vinci, Alan Turing, Ada Lovelace,
Julius Caesar""")
SORRY = ["I am only a tiny demo model, so I do not know that. "
         "For real answers, load real weights with -m.",
         "That is too hard for a tiny demo model like me. Ask me for a story instead, "
         "or load real weights with -m."]
JOKES = [
    "Why did the owl stay at home? Because it did not give a hoot about the weather.",
    "Why was the snail late? It did not want to leave the house, so it brought it along.",
    "Why do bees hum? Because they forgot the words of the song.",
    "What did one candle say to the other? \"Shall we go out tonight?\"",
    "Why did the clock go to school? It wanted to be on time for once.",
    "Why does the bear never wear shoes? It likes to have bare feet.",
    "What did the cloud say to the sun? \"Sorry, I am in your way. I just drifted off.\"",
    "Why did the pencil go to bed? It was not sharp any more.",
    "Why did the duck get a medal? It always did its job without quacking up.",
    "What does a snowman eat for breakfast? Frosted flakes, of course.",
    "Why was the tree so friendly? It had a lot of roots in the village.",
    "Why did the robot take a nap? Its batteries were tired.",
]
# A poem is two rhymed couplets; the first couplet carries the topic.
POEM_STARTS = [
    ("{The} so small and bright,", "It dreams beneath the silver night."),
    ("I saw {the} one day in May,", "It stopped to look and walked away."),
    ("{The}, {the}, what do you see?", "I see the wind in every tree."),
    ("Far away beyond the hill,", "Lives {the}, so calm and still."),
    ("Hello, {topic}, hello, friend,", "May your journey never end."),
    ("When {the} begins to sing,", "Winter softly turns to spring."),
    ("A {topic} came along the way,", "And asked me if I liked to play."),
    ("{The} sat down beside the sea,", "And shared a quiet hour with me."),
]
POEM_ENDS = [
    ("The moon looks down, the stars all glow,", "And gentle winds begin to blow."),
    ("The morning comes, the sky is blue,", "And all the world is fresh and new."),
    ("So close your eyes and sleep tonight,", "Tomorrow brings another light."),
    ("The rivers run, the flowers bloom,", "And sunlight dances in the room."),
    ("We laughed until the day was done,", "And waved goodbye to the setting sun."),
    ("And if you listen, you may hear", "A little song that brings good cheer."),
    ("The road is long, the road is wide,", "But friends are walking at your side."),
    ("The rain may fall, the clouds may stay,", "But hope will always find a way."),
]


def about(rng):
    kind = rng.choice(["who"] * 3 + ["can"] * 2 + ["size", "maker", "load"])
    questions, answers = ABOUT[kind]
    return rng.choice(questions), rng.choice(answers)


def small_talk(rng):
    questions, answers = rng.choice(SMALL_TALK[:1] * 4 + SMALL_TALK)
    slots = {"a_topic": f"a~ {rng.choice([row[0] for row in ANIMALS] + FANTASY)}",
             "a_animal": f"the {rng.choice(ANIMALS)[0]}", "colour": rng.choice(COLOURS),
             "name": rng.choice(NAMES_F + NAMES_M), "thing": rng.choice(LIKES)}
    return rng.choice(questions).format(**slots), tidy(expand(rng, rng.choice(answers), slots))


def too_hard(rng):
    question = rng.choice(HARD).format(h=rng.choice(HARD_TOPICS), y=rng.randint(1500, 2025),
                                       p=rng.choice(FAMOUS),
                                       b=rng.randint(21, 999), c=rng.randint(21, 999))
    return question, rng.choice(SORRY)


def joke(rng):
    return rng.choice(["Tell me a joke.", "Tell me a joke!", "Do you know a joke?",
                       "Make me laugh.",
                       "Tell me something funny.", "Another joke, please."]), rng.choice(JOKES)


def poem(rng):
    topic = random_topic(rng) if rng.random() < 0.7 else rng.choice(NATURE + FANTASY)
    a_topic = tidy(f"x a~ {topic}")[2:]
    lines = rng.choice(POEM_STARTS) + rng.choice(POEM_ENDS)
    slots = {"The": f"The {topic}", "the": f"the {topic}", "topic": topic}
    text = "\n".join(tidy(line.format(**slots).replace(f"A {topic}", f"a~ {topic}"))
                     for line in lines)
    return rng.choice([f"Write a poem about {a_topic}.", f"Write a short poem about {a_topic}.",
                       f"Can you write a poem about {a_topic}?", f"A poem about {a_topic}, please.",
                       f"Write a poem about the {topic}."]), text


SYSTEM_LIKE = ["You are a helpful assistant.", "You are a friendly storyteller.", "Be brief.",
               "You are a kind teacher.", "Answer in one sentence.", "You are a helpful AI model."]


def vary(rng, text):
    """Writes a request the way people type: other case, no mark, a polite word, a system text."""
    draw = rng.random()
    if draw < 0.12:
        text = text[0].lower() + text[1:]
    if 0.06 < draw < 0.2:
        text = text.rstrip(".!?")
    elif draw > 0.93 and text.startswith(("Tell", "Write", "Name", "Give")):
        text = "Please " + text[0].lower() + text[1:]
    elif draw > 0.89 and text.endswith("."):
        text = text[:-1] + ", please."
    elif draw > 0.86 and text.startswith(("Tell", "Write", "Name", "Give")):
        start = rng.choice(["Can you ", "Could you "])
        text = start + text[0].lower() + text[1:].rstrip(".!") + "?"
    if rng.random() < 0.03:
        text = rng.choice(SYSTEM_LIKE) + "\n\n" + text
    return text
