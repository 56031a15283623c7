# SPDX-License-Identifier: Apache-2.0
"""The plots of the demo stories: each is a theme, the heroes it suits, and three to five beats.

Markup (expanded by grammar.py): [x|y] picks one alternative, {slot} inserts a word of the story,
"a~" becomes "a" or "an". Slots: {n} hero, {he}/{him}/{his}; {s} helper, {she}/{her}/{hers}; {N} and
{S} the same with a capital letter; {thing}, {spot}, {spot2}, {shelter}, {food}, {skill}, {fear},
{find}, {build}, {gift}. Other sentence starts are capitalised afterwards, so slots may begin one.
"""

LAND = "land"      # needs legs, soil and kitchens: not for sea animals
ANY = "any"
OWNER = "owner"    # the hero owns {thing}: a person or an animal, never an object

PLOTS = {
    "lost thing": ("patience", OWNER, [
        ["[One day|One morning|One windy afternoon], {n} [lost|could not find] {his} {thing}. {he} "
           "looked {spot} and {spot2}, but it was [gone|nowhere to be seen].",
         "{n} loved {his} {thing} more than anything. But [one morning|one day] the {thing} was "
           "gone, and {he} [began to cry|felt very sad|did not know what to do]."],
        ["{he} asked [everyone|all the neighbours] for help. {s} [listened|nodded] and said, "
           "\"[Let us look together|Two see more than one|Do not worry, we will find it].\"",
         "\"[What is wrong|Why are you so sad]?\" asked {s}. \"My {thing} is lost,\" said {n}. "
           "\"[Then we will search|Come, I will help you],\" said {s}.",
         "{s} saw {him} and stopped. \"Think back,\" said {s}. \"Where did you have it last?\""],
        ["They searched [all day|until evening|for a long time] and looked {spot}. There, [under "
           "some leaves|behind a stone|between two stones], [lay|was] the {thing}!",
         "Then {n} remembered. {he} had left the {thing} {spot}! They ran there, and [there it "
           "was|it was still waiting for {him}].",
         "At last {s} found the {thing} {spot2}. It was [a little dirty|wet from the rain|as good "
           "as new]."],
        ["{n} [hugged|thanked] {s} and [laughed|smiled]. From then on, {he} [took good care "
           "of|always looked after] the {thing}.",
         "{n} was so happy that {he} shared {his} {food} with {s}.",
         "\"Thank you!\" said {n}. \"[Now I have my {thing} and a new friend|You are a true "
           "friend].\""]]),
    "learn": ("practice", ANY, [
        ["{n} wanted to learn to {skill}. [But it was hard|At first it did not go well|{he} tried "
           "every day, but {he} always failed].",
         "More than anything, {n} wished {he} could {skill}. The others [laughed|shook their "
           "heads] and said, \"[That is too hard for you|You will never do it].\"",
         "[One day|One morning], {n} saw {s} {skill}. \"[I want to do that too!|Can I learn "
           "that?]\" {he} said."],
        ["{s} said, \"[I can teach you|Let me show you|Start slowly]. [We will practise every "
           "day|A little every day is enough|Nobody can do it at once].\"",
         "Then {n} met {s} {spot}. \"[The secret is to try again|You only need time],\" said {s}.",
         "So {he} went {spot}, where nobody could see {him}, and tried again and again."],
        ["The first day was [bad|terrible], the second day was [better|not so bad], and [after a "
           "week|in the end] {n} could {skill}.",
         "{n} fell down, stood up and tried again. After [many days|three weeks|a long summer], "
           "{he} could {skill} [very well|better than anyone].",
         "Day after day {n} practised. And one [evening|morning], suddenly, it worked!"],
        ["[Everyone clapped|All the neighbours cheered]. {n} was [proud|very happy].",
         "\"Look at me!\" called {n}, and {s} [smiled|clapped|was very proud of {him}].",
         "Now {n} teaches the little ones, and {he} always tells them, \"Never give up.\""]]),
    "fear": ("courage", ANY, [
        ["There was only one problem: {n} was afraid of {fear}. [{he} never told anyone|Every "
           "evening {he} hid in {his} bed|{his} heart beat fast when {he} only thought of it].",
         "{n} was not afraid of much, but {he} was afraid of {fear}.",
         "{n} was [very|terribly] afraid of {fear}. The others [did not understand it|often "
           "laughed about it]."],
        ["One night, {n} heard a [cry|small voice] {spot}. [It was|There was] {s}, who [was "
           "lost|was stuck|was hurt] and needed help.",
         "[One day|One evening], {s} did not come home. Somebody had to look {spot}, and only {n} "
           "was awake.",
         "[One evening|One night], {s} got lost {spot}. \"Somebody must go out and look,\" said "
           "the others. \"[I will go|I will do it],\" said {n} [quietly|softly]."],
        ["{n} [took a deep breath|closed {his} eyes for a moment] and [went on|took one step, and "
           "then another]. [{his} knees were shaking|It was not easy|{he} sang a little song], but "
           "{he} did not turn back.",
         "{n} was afraid, but {he} went all the same. [Step by step|Slowly], {he} came closer.",
         "\"I can do this,\" {he} said. And {he} [did|went out into the night]."],
        ["{s} was safe, and {n} [noticed|saw] that {fear} [was not so bad after all|did not scare "
           "{him} any more].",
         "\"You are [so brave|very brave]!\" said {s}. {n} smiled. {he} had forgotten to be "
           "afraid.",
         "After that night, {n} was still a little afraid of {fear}. But {he} knew that {he} could "
           "be brave."]]),
    "lonely": ("friendship", ANY, [
        ["{n} had no friends. [Every day {he} played alone|{he} often sat alone {spot}|Nobody ever "
           "came to visit].",
         "{n} was often lonely. {he} [looked out of the window|sat {spot}] and [wished for|dreamed "
           "of] a friend.",
         "{n} was new there and did not know anyone. [It was very quiet|The days were long and "
           "quiet]."],
        ["[One day|One rainy morning|One afternoon], {he} met {s} {spot}. {s} was "
           "[alone|lonely|shy] too.",
         "[One day|One evening], {s} [came by|knocked softly]. \"[May I sit here|Do you want to "
           "play|Can I come in]?\" {she} asked.",
         "Then {he} heard someone [singing|crying|humming] {spot2}. It was {s}."],
        ["At first they [did not say a word|were both too shy to speak]. Then {n} [smiled|offered "
           "{her} some {food}|told a joke], and soon they were laughing.",
         "They [played|talked] until [the sun went down|the stars came out|it was dark]. They had "
           "so much to tell.",
         "\"[Do you like|Would you like some] {food}?\" asked {n}. \"[Very much|I love it]!\" said "
           "{s}. They ate together and talked [all afternoon|for hours]."],
        ["From that day on, they [met every day|were best friends|were never lonely again].",
         "\"Will you come back tomorrow?\" asked {n}. \"[Of course|Every day],\" said {s}.",
         "Now {n} has a friend, and {his} [days|evenings] are never too long."]]),
    "storm": ("kindness", ANY, [
        ["One [dark|cold|grey] evening, a big storm came. The wind [howled|roared|whistled] and "
           "[the rain fell in buckets|the sky turned black|thunder rolled over the land].",
         "[In autumn|One night], a terrible storm came up. {n} was [far from home|just on {his} "
           "way home|{spot}]."],
        ["{n} found {shelter} and [crept|slipped] inside. There {he} heard a knock. It was {s}, "
           "who was [wet and cold|shaking|tired and wet].",
         "{n} ran to {shelter}. \"[Is there room for one more|May I come in]?\" {he} asked. "
           "\"[There is always room|Come in, come in],\" said {s}."],
        ["It was [narrow|very small] inside, but they [sat close together|shared {food}|told each "
           "other stories] until the storm was over.",
         "They shared {food} and listened to the [wind|rain|thunder]. [Soon|Together] it was "
           "almost cosy."],
        ["In the morning, the sun [shone|was back] and the [air smelled fresh|sky was blue]. {n} "
           "and {s} [walked|went] home as friends.",
         "When the storm was gone, {s} said, \"[I will never forget this|You are welcome any "
           "time].\" And {n} [waved|smiled].",
         "In the morning there was a rainbow in the sky. They looked at it for a long time, side "
           "by side."]]),
    "gift": ("kindness", OWNER, [
        ["[Tomorrow|Soon] it was the birthday of {s}, and {n} had no present. {he} had [no "
           "money|only one small coin], but {he} had an idea.",
         "{n} wanted to [make a present for|surprise] {s}. So {he} decided to make {gift}."],
        ["{he} worked [all night|all day|in secret], and in the evening it was ready: {gift}, just "
           "for {s}.",
         "It was not easy. [The first try went wrong|{he} had to start again three times], but "
           "then {gift} was ready."],
        ["When {s} saw it, {she} [was speechless|had tears in {hers} eyes|jumped for joy]. \"[Did "
           "you make this for me|Is that for me]?\" {she} asked.",
         "\"[For you|This is for you],\" said {n} and [turned red|smiled]. {s} [looked at it for a "
           "long time|could not believe it]."],
        ["\"It is the [best|most beautiful] present I ever got,\" said {s}. {n} was "
           "[happier|prouder] than ever before.",
         "Then they [danced|sang|ate {food}] until late at night.",
         "{s} kept it [for ever|all {hers} life], and {n} learned that giving is as nice as "
           "getting."]]),
    "race": ("patience", ANY, [
        ["[One day|One morning], {s} said, \"I am [much faster|the fastest]. [Nobody can beat "
           "me|Let us have a race].\" {n} [thought for a moment|smiled] and said, \"[Good|All "
           "right].\"",
         "Every [summer|spring] there was a big race. {n} wanted to win, but {s} was [very "
           "fast|the best runner of all]."],
        ["\"Ready, steady, go!\" {S} was in front at once. {n} [did not hurry|kept going, step by "
           "step|stayed calm].",
         "{s} was soon far ahead and [stopped for a snack|lay down for a nap|turned around to "
           "laugh]. {n} just went on and on."],
        ["But then {s} [slipped and fell|took the wrong way|got tired]. {n} could have [won|gone "
           "past]. Instead, {he} stopped and helped {her} up.",
         "Just before the end, {n} [passed|caught up with] {s}. [Everyone cheered|The crowd held "
           "its breath]."],
        ["They crossed the line together, and [everyone cheered|both of them got a prize|both were "
           "winners].",
         "\"[Well done|You are better than I thought],\" said {s}. \"[Thank you for the "
           "race|Tomorrow we race again],\" said {n}, and they both laughed.",
         "{n} won a basket of {food}, and of course {he} shared it with {s}."]]),
    "hurt": ("kindness", LAND, [
        ["[One day|One morning], {n} [heard a soft cry|found someone] {spot}. It was {s}. {she} "
           "[was hurt|had fallen down] and could not go on.",
         "[One day|In winter], {n} found {s} {spot}. {she} was [weak|cold and hungry|very ill]."],
        ["{n} did not think twice. {he} [brought {her} home|carried {her} to {shelter}] and gave "
           "{her} {food}.",
         "\"[Do not be afraid|I will help you],\" said {n}. {he} [made a bandage from a "
           "leaf|fetched some water|covered {her} with a blanket]."],
        ["[Day by day|Slowly], {s} got better. {n} told {her} stories and [cooked soup|sang songs] "
           "for {her}.",
         "After [a week|three days|some time], {s} could [walk|laugh|stand] again."],
        ["\"How can I thank you?\" asked {s}. \"[Just be my friend|Stay a little longer],\" said "
           "{n}.",
         "Years later, when {n} [needed help|was in trouble], {s} was the first to come.",
         "And whenever {s} comes by, they [eat {food} together|sit together {spot}] and talk about "
           "that day."]]),
    "sharing": ("sharing", ANY, [
        ["{n} had a lot of {food}. [It was enough for a whole week|{he} wanted to eat it all "
           "alone|{he} hid it {spot}].",
         "[One day|On a cold winter day], {n} had only a few bites of {food} left. {he} wanted to "
           "keep it for {him}self."],
        ["Then {s} came by. \"I have not eaten [all day|since yesterday],\" {she} said "
           "[softly|sadly].",
         "But {spot} sat {s}, and {she} looked very hungry."],
        ["{n} [thought about it|looked at {his} {food}|sighed]. Then {he} [gave {s} one "
           "half|shared everything with {s}].",
         "At first {n} wanted to go away. But then {he} turned around and said, \"[Come and eat "
           "with me|Half of it is for you].\""],
        ["[Never had {food} tasted so good|It tasted twice as good], and {n} [was glad|smiled].",
         "The next day, {s} brought {him} [a basket of nuts|a pot of honey|a bag of apples]. \"Now "
           "I share with you,\" {she} said.",
         "Since then they eat together every [evening|Sunday], and there is always enough."]]),
    "wish": ("gratitude", ANY, [
        ["[One night|One clear night], {n} saw a falling star. \"I wish I were "
           "[bigger|stronger|famous|rich|somebody else],\" {he} said.",
         "{n} was never content. {he} wanted to be [bigger|faster|more beautiful] than all the "
           "others."],
        ["The next morning, the wish had come true! [But everything was strange|At first it was "
           "wonderful]. [Nobody knew {him} any more|{his} bed was too small|{his} friends were "
           "afraid of {him}].",
         "Then {he} met {s}. \"[I wish I were like you|You are lucky],\" said {s}. \"Like me?\" "
           "asked {n}, surprised."],
        ["{n} missed {his} old life and [the evenings with {s}|{his} friends|{his} little home].",
         "{n} thought about it all [day|night], and slowly {he} understood."],
        ["\"I want to be just me,\" {he} said. And [when {he} woke up, it had all been a dream|the "
           "star blinked and everything was as before].",
         "From then on, {n} was [happy|content] with what {he} had, and that was a lot.",
         "\"I have a home, {food} and a good friend,\" said {n}. \"What more do I need?\""]]),
}
