# SPDX-License-Identifier: Apache-2.0
"""Word lists of the demo corpus: who stories are about, where they happen, how things are called.

Everything is data: one line per entry, fields separated by "|". The grammar lives in grammar.py.
"""


def table(text):
    """Splits a block of "a|b|c" lines into tuples."""
    return [tuple(field.strip() for field in line.split("|"))
            for line in text.strip().splitlines()]


def words(text):
    """Splits a comma-separated block into a list."""
    return [" ".join(entry.split()) for entry in text.split(",") if entry.strip()]


# animal | habitat | home | food | sound verb | legs | size rank (1 = smallest)
ANIMALS = table("""
fox|wood|a den in the forest|mice and berries|barks|4|5
bear|wood|a cave in the forest|fish and honey|growls|4|9
rabbit|wood|a burrow in the meadow|grass and carrots|squeaks|4|4
hare|wood|the open fields|grass and leaves|squeaks|4|4
wolf|wood|the forest|deer and rabbits|howls|4|7
owl|wood|a hollow tree|mice|hoots|2|4
squirrel|wood|a nest in a tree|nuts|chatters|4|3
hedgehog|wood|a pile of leaves|snails and worms|snuffles|4|3
badger|wood|a burrow in the forest|worms and roots|grunts|4|5
deer|wood|the forest|leaves and grass|bellows|4|8
mouse|wood|a small hole|seeds and cheese|squeaks|4|2
mole|wood|a tunnel under the ground|worms|squeaks|4|2
raccoon|wood|a hollow tree|fruit and eggs|chatters|4|5
crow|wood|a nest in a tall tree|seeds and insects|caws|2|3
robin|wood|a nest in a hedge|worms|chirps|2|2
sparrow|wood|a nest under a roof|seeds|chirps|2|2
snail|wood|a shell|leaves|makes no sound|0|1
ant|wood|an anthill|crumbs and seeds|makes no sound|6|1
bee|wood|a hive|nectar and honey|buzzes|6|1
butterfly|wood|a garden full of flowers|nectar|makes no sound|6|1
ladybug|wood|a green leaf|small insects|makes no sound|6|1
caterpillar|wood|a green leaf|leaves|makes no sound|6|1
frog|wood|a pond|flies|croaks|4|2
duck|farm|a pond|water plants and bread|quacks|2|4
goose|farm|a farm|grass|honks|2|5
hen|farm|a farm|corn|clucks|2|4
rooster|farm|a farm|corn|crows|2|4
cow|farm|a farm|grass|moos|4|9
horse|farm|a stable|hay and oats|neighs|4|9
pony|farm|a stable|hay and apples|neighs|4|8
donkey|farm|a stable|hay|brays|4|8
pig|farm|a farm|corn and potatoes|oinks|4|7
sheep|farm|a meadow|grass|bleats|4|7
lamb|farm|a meadow|milk and grass|bleats|4|5
goat|farm|a hill|grass and leaves|bleats|4|7
dog|farm|a house|meat and bones|barks|4|6
puppy|farm|a house|meat and milk|barks|4|4
cat|farm|a house|fish and mice|meows|4|4
kitten|farm|a house|milk and fish|meows|4|3
turtle|wood|a pond|water plants|makes no sound|4|4
hamster|farm|a cage|seeds|squeaks|4|2
lion|hot|the savanna|meat|roars|4|9
tiger|hot|the jungle|meat|roars|4|9
elephant|hot|the savanna|leaves and grass|trumpets|4|11
giraffe|hot|the savanna|leaves|hums|4|10
zebra|hot|the savanna|grass|barks|4|8
monkey|hot|the jungle|bananas|chatters|4|5
parrot|hot|the jungle|fruit and nuts|squawks|2|3
hippo|hot|a river|grass|grunts|4|10
crocodile|hot|a river|fish and meat|growls|4|9
camel|hot|the desert|dry grass|grunts|4|9
snake|hot|the jungle|mice and eggs|hisses|0|4
kangaroo|hot|the dry plains|grass|grunts|2|8
koala|hot|a gum tree|leaves|grunts|4|5
panda|hot|a bamboo forest|bamboo|bleats|4|8
penguin|cold|the ice|fish|honks|2|5
polar bear|cold|the ice|fish and seals|growls|4|10
seal|cold|the cold sea|fish|barks|0|8
reindeer|cold|the snowy north|moss|grunts|4|8
whale|sea|the sea|tiny shrimps|sings|0|12
dolphin|sea|the sea|fish|clicks and whistles|0|9
octopus|sea|a cave in the sea|crabs|makes no sound|8|5
crab|sea|the beach|plants and small fish|makes no sound|10|2
fish|sea|the water|plants and worms|makes no sound|0|3
shark|sea|the sea|fish|makes no sound|0|10
""")

# noun | pronoun set (m, f or x = either)
PEOPLE = table("""
girl|f
boy|m
girl|f
boy|m
king|m
queen|f
prince|m
princess|f
farmer|x
baker|x
fisherman|m
knight|x
wizard|m
witch|f
grandmother|f
grandfather|m
old man|m
old woman|f
painter|x
sailor|x
teacher|x
shepherd|x
gardener|x
giant|m
pirate|x
clown|x
tailor|x
shoemaker|m
postman|m
musician|x
child|x
doctor|x
""")

FANTASY = words("""dragon, unicorn, robot, ghost, fairy, elf, dwarf, snowman, mermaid, monster,
troll, alien, teddy bear, gnome, scarecrow, dinosaur""")

# Things a child can own, lose, find or build a story around; they can also be heroes themselves.
OBJECTS = words("""kite, balloon, teapot, lamp, boat, toy train, doll, drum, bell, book, hat,
umbrella, clock, ball, pencil, lantern, spoon, button, box, key, cup, candle, bicycle, sled,
scarf, flute, violin, basket, mirror, whistle, paintbrush, ring, watch, coat, spaceship, car, bus,
train, rocket, pillow, blanket, feather, pumpkin, cake, apple, crayon, camera, boot, mitten""")

NATURE = words("""star, cloud, tree, snowflake, leaf, flower, raindrop, mountain, river, seed,
island, pond, rainbow, shell, stone""")
SINGLE = words("moon, sun, wind, sea, rain, snow")  # spoken of with "the"

NAMES_F = words("""Mia, Lily, Emma, Ella, Rosa, Nora, Ida, Clara, Lucy, Anna, Zoe, Maya, Luna,
Ruby, Daisy, Molly, Sofia, Hanna, Lena, Tilda, Bella, Poppy, Olive, Hazel, Ivy, Greta, Pia, Kira,
Mila, Nelly, Tessa, Wanda, Penny, Flora, Dora, Amy, Sara, Fay, Juna, Vera, Alice, Elsa, Maria,
Lola""")
NAMES_M = words("""Milo, Leo, Max, Ben, Tom, Sam, Oscar, Felix, Hugo, Finn, Theo, Noah, Jack,
Oliver, Otto, Emil, Anton, Bruno, Toby, Rusty, Pip, Barnaby, Charlie, Henry, Louis, Paul, Peter,
Robin, Simon, Tim, Victor, Walter, Alfie, Gus, Jasper, Kai, Luca, Moritz, Nico, Ollie, Rufus,
Teddy""")

ADJ = words("""little, little, little, little, small, young, shy, clever, curious, cheerful,
quiet, friendly, gentle, brave, lazy, hungry, tiny, proud, lonely, kind, sleepy, grumpy, old,
happy, sad, silly, playful, wise, busy, polite, stubborn, dreamy, funny""")
COLOURS = words("red, blue, green, yellow, white, black, brown, grey, orange, pink, purple, golden,"
                " silver")
FOODS = words("""apple pie, warm bread, honey cake, berry jam, pumpkin soup, plum cake, cheese,
pears, nut cookies, pancakes, cherries, vegetable soup, carrot cake, roasted chestnuts,
strawberries""")
SKILLS = words("""swim, dance, sing, paint, whistle, skate, juggle, bake bread, climb, read, play
the flute, play the drum, tell stories, count to one hundred, ride a bicycle, knit, fly, cook
soup, write letters, jump over the stream, do magic, stand on one leg, row a boat, draw, play
chess""")
FEARS = words("""the dark, thunder, deep water, the old bridge, loud noises, the strong wind, high
places, spiders, shadows, storms, the school, being alone, the big hill, new things, ghosts""")
FINDS = words("""a shiny key, a small blue egg, an old map, a silver bell, a wooden box, a letter
in a bottle, a golden coin, a strange footprint, a tiny door, a glowing stone, a lost mitten, a
red button, a broken watch, a big white feather, a striped stocking, a music box""")
BUILDS = words("""a small boat, a wooden bridge, a snow castle, a tree house, a big swing, a bird
house, a raft, a wind mill, a warm hut, a tall tower, a little theatre, a flying machine""")
GIFTS = words("""a warm scarf, a small painting, a flower crown, a honey cake, a wooden flute, a
song, a bright lantern, a soft pillow, a shell necklace, a paper star, a box of cookies, a blue
hat""")
THEMES = words("""friendship, courage, kindness, patience, honesty, sharing, hope, forgiveness,
teamwork, curiosity, practice, gratitude""")

# habitat -> (lives, spots, shelters, helpers)
HABITATS = {
    "wood": (words("""in a green forest, at the edge of a forest, under an old oak tree, near a
        quiet pond, beside a small stream, in a sunny meadow, behind the mill, in a deep valley,
        at the foot of a hill, in a wild garden, by a mossy wall, between the
        roots of a tall pine"""),
        words("""by the stream, under the old oak, in the meadow, on top of the hill, near the
            pond, behind the bushes, on the forest path, beside a big rock, in the tall grass"""),
        words("a hollow tree, a dry cave, an old barn, a thick bush, a warm burrow, an empty hut"),
        words("""owl, squirrel, badger, hedgehog, deer, bear, rabbit, mouse, crow, frog, robin,
            mole, bee, snail, turtle, wolf, fox, butterfly""")),
    "farm": (words("""on a small farm, in a red barn, in a stable near the village, behind the
        baker's house, on a hill full of apple trees, in a garden with a white fence, near the old
        windmill, in a cosy house by the road, at the end of a long lane"""),
        words("""behind the barn, near the well, by the duck pond, under the apple tree, at the
            gate, on the dusty road, in the hay, beside the fence, in the vegetable garden"""),
        words("the barn, the stable, a dry shed, the hen house, the kitchen, an old cart"),
        words("""hen, cow, horse, pig, sheep, goat, dog, cat, donkey, duck, goose, mouse, rooster,
            pony, farmer, sparrow, lamb""")),
    "hot": (words("""in a warm jungle, on a wide savanna, near a slow brown river, under a tall
        palm tree, beside a water hole, at the edge of the desert, on an island in the sun"""),
        words("""by the river, under a palm tree, at the water hole, on a warm rock, in the tall
            grass, near the waterfall, between the vines"""),
        words("a cool cave, a hollow trunk, a big green leaf, an old hut, a thick bush"),
        words("""lion, elephant, giraffe, zebra, monkey, parrot, hippo, turtle, snake, camel,
            tiger, crocodile""")),
    "cold": (words("""on the white ice, in the snowy north, near a frozen bay, at the foot of an
        ice mountain, on a small island of ice"""),
        words("""at the edge of the ice, on a snowy hill, by a hole in the ice, near the frozen
            bay, beside a blue iceberg"""),
        words("a snow cave, a hut of ice, an old ship, a gap between two rocks"),
        words("penguin, seal, polar bear, reindeer, owl, hare, whale, wolf")),
    "sea": (words("""in the deep blue sea, near a coral reef, in a quiet bay, beside a sunken
        ship, under the waves, near a rocky island"""),
        words("""at the reef, near the old ship, in the quiet bay, between the seaweed, close to
            the shore, by the lighthouse"""),
        words("a small cave, the sunken ship, a bed of seaweed, a gap in the rocks"),
        words("dolphin, whale, octopus, crab, turtle, seal, fish, sailor, mermaid")),
    "town": (words("""in a small village, in a tall house by the sea, in a busy town, on a hill
        above the harbour, next to the school, in a house with a blue door, near the market, in an
        old castle, by the lake, at the edge of the town, in a crooked tower, on a quiet street"""),
        words("""in the park, at the market, by the harbour, on the bridge, near the school, in
            the garden, on the beach, behind the church, under the big clock, by the fountain"""),
        words("a small shop, the library, an old shed, the bakery, the lighthouse, a dry cellar"),
        words("""baker, farmer, teacher, cat, dog, postman, gardener, sailor, musician, mouse,
            painter, sparrow, old woman, old man, crow, wizard""")),
}
