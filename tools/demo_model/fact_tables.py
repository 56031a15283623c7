# SPDX-License-Identifier: Apache-2.0
"""The facts that the demo model knows, as tables of question words and answers."""

from words import table, words

CAPITALS = table("""
France|Paris
Germany|Berlin
Italy|Rome
Spain|Madrid
Portugal|Lisbon
England|London
the United Kingdom|London
Ireland|Dublin
Scotland|Edinburgh
Wales|Cardiff
Belgium|Brussels
the Netherlands|Amsterdam
Luxembourg|Luxembourg
Switzerland|Bern
Austria|Vienna
Poland|Warsaw
the Czech Republic|Prague
Slovakia|Bratislava
Hungary|Budapest
Slovenia|Ljubljana
Croatia|Zagreb
Serbia|Belgrade
Romania|Bucharest
Bulgaria|Sofia
Greece|Athens
Turkey|Ankara
Ukraine|Kyiv
Russia|Moscow
Finland|Helsinki
Sweden|Stockholm
Norway|Oslo
Denmark|Copenhagen
Iceland|Reykjavik
Estonia|Tallinn
Latvia|Riga
Lithuania|Vilnius
Malta|Valletta
Cyprus|Nicosia
the United States|Washington, D.C.
Canada|Ottawa
Mexico|Mexico City
Cuba|Havana
Brazil|Brasilia
Argentina|Buenos Aires
Chile|Santiago
Peru|Lima
Colombia|Bogota
Venezuela|Caracas
Uruguay|Montevideo
Egypt|Cairo
Morocco|Rabat
Kenya|Nairobi
Ethiopia|Addis Ababa
Ghana|Accra
Nigeria|Abuja
Tunisia|Tunis
China|Beijing
Japan|Tokyo
South Korea|Seoul
India|New Delhi
Thailand|Bangkok
Vietnam|Hanoi
Indonesia|Jakarta
the Philippines|Manila
Mongolia|Ulaanbaatar
Nepal|Kathmandu
Iran|Tehran
Iraq|Baghdad
Australia|Canberra
New Zealand|Wellington
""")
OPPOSITES = table("""
big|small
hot|cold
up|down
left|right
day|night
old|young
fast|slow
happy|sad
good|bad
black|white
open|closed
rich|poor
loud|quiet
hard|soft
wet|dry
full|empty
long|short
high|low
near|far
early|late
first|last
light|dark
clean|dirty
strong|weak
thick|thin
brave|afraid
in|out
yes|no
hello|goodbye
summer|winter
begin|end
push|pull
inside|outside
sweet|sour
heavy|light
true|false
""")
ONE_WAY = {"light", "short"}  # words with two opposites: asked in one direction only
ON_PLACES = words("the savanna, the ice, the beach, a farm, a hill, a green leaf, the dry plains")
DAYS = words("Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday")
MONTHS = words("""January, February, March, April, May, June, July, August, September, October,
November, December""")
THING_COLOURS = table("""
the sky|blue
grass|green
snow|white
the sun|yellow
a banana|yellow
a tomato|red
an orange|orange
a carrot|orange
coal|black
a strawberry|red
a lemon|yellow
a leaf|green
blood|red
chocolate|brown
the sea|blue
a frog|green
a polar bear|white
a crow|black
a cucumber|green
milk|white
an elephant|grey
a flamingo|pink
a cherry|red
""")
MIXTURES = table("""
red and yellow|orange
blue and yellow|green
red and blue|purple
black and white|grey
red and white|pink
""")
BABIES = table("""
dog|puppy
cat|kitten
cow|calf
sheep|lamb
horse|foal
hen|chick
duck|duckling
goose|gosling
bear|cub
lion|cub
fox|cub
pig|piglet
frog|tadpole
goat|kid
deer|fawn
kangaroo|joey
""")
WORLD = table("""
What is the biggest animal in the world?|The blue whale is the biggest animal in the world.
What is the tallest animal?|The giraffe is the tallest animal.
What is the fastest animal on land?|The cheetah is the fastest animal on land.
How many days are there in a week?|There are 7 days in a week.
How many months are there in a year?|There are 12 months in a year.
How many hours are there in a day?|There are 24 hours in a day.
How many minutes are there in an hour?|There are 60 minutes in an hour.
How many days are there in a year?|There are 365 days in a year, and 366 in a leap year.
What are the four seasons?|The four seasons are spring, summer, autumn and winter.
How many legs does a spider have?|A spider has 8 legs.
How many sides does a triangle have?|A triangle has 3 sides.
How many sides does a square have?|A square has 4 sides.
What do bees make?|Bees make honey.
What do cows give us?|Cows give us milk.
What planet do we live on?|We live on the Earth.
What is the closest star to the Earth?|The sun is the closest star to the Earth.
What is ice made of?|Ice is frozen water.
Where does the sun rise?|The sun rises in the east.
Where does the sun set?|The sun sets in the west.
When do leaves fall from the trees?|Leaves fall from the trees in autumn.
What is the colour of a rainbow?|A rainbow has many colours: red, orange, yellow, green, blue and purple.
What do plants need to grow?|Plants need water, light and earth to grow.
How many fingers does a hand have?|A hand has 5 fingers.
Count to ten.|1, 2, 3, 4, 5, 6, 7, 8, 9, 10.
Count to five.|1, 2, 3, 4, 5.
Count backwards from ten.|10, 9, 8, 7, 6, 5, 4, 3, 2, 1.
What are the days of the week?|Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.
Say the alphabet.|A B C D E F G H I J K L M N O P Q R S T U V W X Y Z.
Name the months of the year.|January, February, March, April, May, June, July, August, September, October, November and December.
""")
