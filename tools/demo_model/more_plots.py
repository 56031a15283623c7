# SPDX-License-Identifier: Apache-2.0
"""More plots for the demo stories; the markup is described in plots.py."""

from plots import ANY, LAND, OWNER

MORE_PLOTS = {
    "sleepless": ("friendship", ANY, [
        ["One night, {n} could not sleep. {he} [counted sheep|turned left and right|drank some "
           "water], but [nothing helped|sleep did not come].",
         "It was late, and [the moon was high|everyone was asleep], but {n} was wide awake."],
        ["So {he} got up and went outside. {spot} sat {s}, who could not sleep either.",
         "{he} [tiptoed|went] to {s}. \"I cannot sleep,\" {he} whispered. \"[Neither can I|Then "
           "stay with me],\" said {s}."],
        ["Together they [watched the moon|counted the stars|listened to the wind]. [It was very "
           "quiet|A soft wind blew].",
         "{s} [sang an old song|told a long story|talked about the day]. {hers} voice was "
           "[low|warm] and calm."],
        ["Soon {his} eyes [closed|became heavy], and {n} fell asleep [with a smile|right there|at "
           "once].",
         "When the sun came up, they were both asleep, side by side."]]),
    "lost way": ("hope", ANY, [
        ["[One day|One foggy morning], {n} went too far from home and [lost {his} way|did not know "
           "the way back]. [Everything looked the same|It was getting dark].",
         "{n} followed a [butterfly|strange sound|cloud] and forgot the time. When {he} looked up, "
           "{he} was lost."],
        ["{he} sat down {spot} and [waited|began to cry]. \"[Are you lost|Where is your home]?\" "
           "asked a voice. It was {s}.",
         "{n} called for help, but only the wind answered. Then {he} saw a light. It was {s} with "
           "a lantern."],
        ["\"[I know the way|Follow me],\" said {s}. They went [past a big rock|over a "
           "bridge|around a lake] and [through the fog|up a hill].",
         "{s} pointed to the sky. \"Do you see the bright star? Follow it, and it will bring you "
           "home.\""],
        ["[At midnight|Before night] {n} was home again. [{his} family hugged {him}|{his} bed had "
           "never been so soft].",
         "Soon {n} saw {his} own door. \"Thank you!\" {he} called, but {s} was already gone.",
         "{n} was home in time for {food}. The next day {he} visited {s} to say thank you."]]),
    "seed": ("patience", LAND, [
        ["[In spring|One day], {n} found a tiny seed. {he} planted it {spot} and [waited|watered "
           "it every day].",
         "{s} gave {n} a small seed. \"[Plant it and wait|Take good care of it],\" {she} said."],
        ["[A week passed|Days went by], but nothing happened. \"[It does not grow|It must be "
           "broken],\" said {n} sadly.",
         "Every morning {n} ran to look, but there was only [brown earth|mud]."],
        ["\"[Good things need time|Be patient],\" said {s}. So {n} [went on watering|waited a "
           "little longer].",
         "{n} wanted to give up, but {s} [brought water|told {him} to wait one more day]."],
        ["Then, one morning, there was a small green [leaf|shoot]! In summer it was [a tall "
           "sunflower|a big pumpkin|a bush full of berries|a little apple tree].",
         "In the end a [wonderful flower|young tree] grew there, and everyone came to see it."]]),
    "quarrel": ("forgiveness", ANY, [
        ["{n} and {s} were best friends. But [one day|one morning] they had a quarrel about "
           "{food}. \"[I never want to see you again|You are mean]!\" {he} shouted.",
         "[One day|Last summer], {n} and {s} had a quarrel. [Nobody knew why|It was about a very "
           "small thing]. They did not speak for a whole week."],
        ["At home, {n} was [angry|still angry]. But [after a while|in the evening] {he} was only "
           "sad. [It was boring without {s}|{he} missed {s}].",
         "{n} tried to play alone {spot}, but it was no fun."],
        ["So {he} went to {s} with some {food}. On the way they met, because {s} had [the same "
           "idea|started out too].",
         "{n} took all {his} courage and knocked at the door of {s}. \"I am sorry,\" {he} said."],
        ["\"I am sorry too,\" said {s}. They [hugged|laughed], and all was good again.",
         "\"[It was my fault|We were both silly],\" said {s}. Then they [played until dark|shared "
           "{food}]."]]),
    "honesty": ("honesty", LAND, [
        ["[One day|One afternoon], {n} broke [a big vase|a window|the best cup|the lamp] that "
           "belonged to {s}. [Nobody had seen it|It happened very fast].",
         "{n} was playing {spot}. Crash! [A window|A flower pot|A jar of honey] of {s} was "
           "broken."],
        ["{n} [ran away|hid the pieces]. But all day long {he} had a [heavy heart|funny feeling in "
           "{his} belly].",
         "\"Who did this?\" asked {s}. {n} [looked at the ground|said nothing]."],
        ["At last {he} went to {s} and said, \"It was me. I am sorry.\"",
         "In the evening {n} could not stand it any more. {he} told {s} [the truth|everything]."],
        ["{s} was quiet for a moment. Then {she} [smiled|nodded] and said, \"[Thank you for "
           "telling me|It takes courage to say that].\"",
         "\"[Things can be mended|A vase is only a vase],\" said {s}. \"But I am glad that you are "
           "honest.\" Together they [mended|cleaned up] everything."]]),
    "build": ("teamwork", LAND, [
        ["{n} [had a plan|had a big dream]: {he} wanted to build {build}. [But it was too much for "
           "one alone|{he} started the same day].",
         "[One day|One morning], {n} began to build {build} {spot}. [It was hard work|Everything "
           "went wrong]."],
        ["{s} came by and [asked what {he} was doing|looked at it]. \"[I can carry the wood|I have "
           "strong arms|I have a good hammer],\" {she} said. \"[May I help?|Let me help!]\"",
         "Everything {n} built [fell down|broke] again. Then {s} came. \"[Let us try it "
           "together|Four hands are better than two],\" {she} said."],
        ["They worked [for three days|from morning to evening|side by side]. One [held|carried], "
           "the other [hammered|counted], and they sang all the time.",
         "Soon [all the neighbours|many friends] came with [wood and nails|ropes and tools], and "
           "the work went fast."],
        ["At last they had {build}, and it was [wonderful|better than in {his} dream|a little "
           "crooked, but beautiful].",
         "When it was ready, they [had a party|ate {food}] and looked at it [proudly|until the "
           "stars came out]."]]),
    "discovery": ("curiosity", ANY, [
        ["[One day|One morning|One rainy day], {n} found {find} {spot}. \"[What is this|Where does "
           "this come from]?\" {he} wondered.",
         "{n} was on {his} way home when {he} saw something {spot}. It was {find}!"],
        ["{he} showed it to {s}. \"[I have never seen such a thing|That looks very old|How "
           "strange],\" said {s}. \"[Let us find out|We must look for the owner].\"",
         "{he} [asked everyone|went from door to door], but [nobody knew it|nobody could help]. "
           "Only {s} [smiled|knew more]."],
        ["They [searched|followed the traces] {spot2} and [found a small door|came to {shelter}]. "
           "Behind it sat an old [giant|dwarf|witch|turtle|king] who had lost it long ago.",
         "That night it began to [glow|hum], and {n} [followed the light|listened] until {he} came "
           "to {shelter}. There waited somebody very old."],
        ["\"You found it!\" cried the old one. \"[Thank you, thank you|Now I can sleep again]!\" "
           "As a reward {n} got [a basket of {food}|a big hug|a story nobody had ever heard].",
         "In the end {n} gave it back and got [three wishes|a golden coin|{food} for everyone]. "
           "But the best part was the adventure."]]),
    "party": ("teamwork", ANY, [
        ["{n} wanted to have a [big party|feast]. {he} [invited everyone|wrote ten letters] and "
           "made {food}.",
         "Soon it was time for the [summer|winter|harvest] party, and {n} had to make everything "
           "ready."],
        ["But [at noon it began to rain|the {food} fell on the floor], and {n} [wanted to cry|did "
           "not know what to do].",
         "But there was [so much to do|too much work], and {n} was [tired|late]. \"[How can I ever "
           "be ready|What shall I do now]?\" {he} [said|sighed]."],
        ["Then {s} came. \"[Do not worry|I can help],\" said {s}. \"[We will do it together|I have "
           "an idea].\"",
         "{s} heard {him} and called [all the neighbours|the others]. Everyone [brought "
           "something|had a good idea]."],
        ["In the evening there were [lights|lanterns] everywhere, and all {his} friends were "
           "there. They danced and sang until [midnight|late].",
         "It was the [best|merriest] party of the year. {n} danced with {s} until {his} feet "
           "hurt."]]),
    "birthday": ("friendship", ANY, [
        ["It was {his} birthday, but nobody had said a word about it. {n} was [sad|very "
           "disappointed].",
         "On {his} birthday, {n} [woke up early|jumped out of bed]. But nobody came, and there was "
           "no present."],
        ["So {he} went for a [long walk|walk] and sat down {spot}. \"[Have they all forgotten "
           "me?|Nobody thinks of me!]\" {he} thought.",
         "{he} waited [until noon|the whole day]. Nobody knocked at the door."],
        ["Suddenly {s} [stood there|came running]. \"[Quick, come with me|There you are],\" said "
           "{s} and took {him} to {shelter}.",
         "Then {he} found a note. \"[Please come|Come quickly] to {shelter},\" it said. It was "
           "from {s}."],
        ["\"Surprise!\" they all called. They had {food}, and music, and {n} was the happiest of "
           "all.",
         "There they all were, with [lights|flowers|balloons] and {food}. Nobody had forgotten "
           "{him}!"]]),
    "rescue": ("courage", ANY, [
        ["[One day|One afternoon], {n} heard a cry for help. {s} was stuck [in a deep hole|between "
           "two rocks|in the mud]!",
         "\"Help! Help!\" somebody called {spot}. It was {s}, who could not move."],
        ["{n} was [small|not very strong], but {he} was clever. {he} looked around and found [a "
           "long rope|a strong branch|a plank].",
         "{n} pulled and pulled, but it was no use. \"[I will get help|Wait for me]!\" {he} said "
           "and hurried [away|to the others]."],
        ["[With all {his} strength|One, two, three], {he} pulled, and {s} was free.",
         "Soon [all the others|ten friends] came, and together they pulled {s} out."],
        ["\"You saved me!\" said {s}. \"[I will never forget it.|What can I do for you?]\" {N} "
           "only smiled.",
         "Everyone was proud of {n}, and that evening they all ate {food}."]]),
    "journey": ("curiosity", ANY, [
        ["{n} wanted to see [the end of the world|the other side of the mountain|what is behind "
           "the clouds|the big city|the place where the sun sleeps]. So [one morning|one day] {he} "
           "[packed some {food} and|said goodbye and] set off.",
         "\"[What is behind the hills|How big is the world]?\" asked {n} every evening. [Nobody "
           "knew the answer|The others only laughed]. So {he} went to find out."],
        ["On the way {he} met {s}. \"[Where are you going|May I come along]?\" asked {s}. \"[Come "
           "with me|Far away],\" said {n}.",
         "{he} [crossed three rivers|went over a high bridge|travelled for seven days] and slept "
           "in {shelter}. There {he} met {s}, who [knew many stories|was travelling too]."],
        ["They saw [snowy mountains|green islands|silver lakes|fields of red flowers] and [a town "
           "full of lights|a ship as big as a house|birds in all colours].",
         "The way was long, and sometimes it rained. But they [sang|told jokes] and were never "
           "bored."],
        ["In the end {n} [was homesick|missed {his} bed]. \"The world is big and beautiful,\" {he} "
           "said, \"but home is best.\"",
         "When {n} came back, everyone wanted to hear {his} stories, and {he} told them [until "
           "late at night|one after another]."]]),
    "swap": ("gratitude", OWNER, [
        ["{n} had {thing_a}, but {he} was tired of it. So {he} swapped it with {s} for {find}.",
         "\"Your {thing} is so nice,\" said {s} to {n}. \"I give you {find} for it.\" {n} [thought "
           "about it and|] said yes."],
        ["But at home {n} [was not happy|was bored with it]. {he} missed {his} {thing}.",
         "For one day it was fun. Then {n} thought of {his} {thing} again and again."],
        ["The next day {he} went back to {s}. \"[Can we swap back?|I want my {thing} back,]\" {he} "
           "said [shyly|softly].",
         "{n} [could not sleep|waited until morning] and ran to {s}. {she} was already waiting at "
           "the door."],
        ["{s} laughed. \"I wanted to ask you the same thing!\" And so everything was as it was "
           "before.",
         "\"Here it is,\" said {s}. \"[You can also play with it together with me|Let us share "
           "it].\" And that is what they did."]]),
}
