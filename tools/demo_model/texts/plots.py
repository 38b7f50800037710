"""What happens in stories: for each plot its sentences in order, each a tuple of wordings.

Slots are filled at their first mention and then stay (scope.py): who is who, what is lost, where it was.
SCENERY stands between sentences: it is what makes no two stories alike.
"""

OPENING = (
    ("Once upon a time, there was {a hero.trait} {hero.kind} named {hero}.",
     "Once upon a time, {a hero.trait} {hero.kind} named {hero} lived in {a building} near the {place}.",
     "There was once {a hero.trait} {hero.kind}. The name was {hero}.",
     "{hero} was {a hero.trait} {hero.kind} from the {place}."),
    ("The {building} of {hero} was {*adjective} and {*color}.",
     "{hero} had {a color} {thing} and liked to {skill}.",
     "{^hero.their} favorite food was {hero.food}."),
)

SCENERY = (
    "It was {a *weather} {*season} {*time}.",
    "The {*place} was {*adjective} and {*weather}.",
    "{^a *adjective} {*plant} stood beside the {*building}.",
    "A {*color} {*animal} {ed *motion} over the {*place}.",
    "There was {a *sound} from the {*building}.",
    "{hero} saw {number_word} {*color} {s *animal} near the {*plant}.",
    "In the {*building} stood {a *adjective} {*household}.",
    "The {*relative} of {hero} was {*feeling} on that {*day}.",
    "Someone had left {a *adjective} {*tool} on the {*vehicle}.",
)

MEETING = (
    "Then {hero.they} met {a friend.trait} {friend.kind} named {friend}.",
    "Soon {a friend.trait} {friend.kind} named {friend} came by.",
    "On the way, {hero.they} met {friend}, {a friend.trait} {friend.kind}.",
)

LATER = (
    "Then {friend} came back.",
    "Soon {hero.they} met {friend} again.",
    "{friend} the {friend.kind} was there too.",
)

LOST = (
    ("One {*weather} day, {hero} could not find {hero.their} {color} {thing}.",
     "On {*day}, the {color} {thing} of {hero} was gone."),
    ("{^hero.they} {ed *handle} every {*household}, but the {thing} was not there.",
     "{^hero.they} looked in the {*building}, but the {thing} was not there.",
     "{hero} was {hero.feeling} and asked {hero.their} {*relative}."),
    "MEET",
    ('"Have you seen my {color} {thing}?" asked {hero}.', '"I lost my {color} {thing}," said {hero} {*adverb}.'),
    ('"I will help you look," said {friend}.', '"Do not be {*feeling}. We will find it," said {friend}.'),
    ("At last {friend} found the {thing} {spot}.", "Together they found the {thing} {spot}."),
    ("{hero} {ed *motion} home {*adverb} with the {color} {thing}.",
     '"It was {spot}!" said {hero} and laughed.'),
)

STUCK = (
    ("One {*time}, {hero} took the {color} {thing} to the {place}.",
     "On {*day}, {hero} played with the {color} {thing} at the {place}."),
    ("The wind took the {thing} and it got stuck in {a *adjective} {plant}.",
     "A {*animal} took the {thing} and dropped it into {a *adjective} {plant}."),
    ("{hero} jumped and jumped, but the {plant} was too tall.",
     "{hero} tried to reach it, but {hero.they} was too small."),
    "MEET",
    ('"Can you help me?" asked {hero}.', '"Please help me. My {thing} is in the {plant}," said {hero}.'),
    ("{friend} got {a tool} and pulled the {thing} down.",
     "{friend} climbed up the {plant} {*adverb} and came back with the {thing}."),
    ("The {color} {thing} was {*adjective} now, but {hero} was {hero.feeling}.",
     '"Thank you, {friend}. You may play with the {thing} too," said {hero}.'),
)

SHARE = (
    ("One {*weather} {*time}, {hero} had a bag of {hero.food} and sat down in the {*place}.",
     "On {*day}, the {*relative} of {hero} gave {hero.them} a bag of {hero.food}."),
    "MEET",
    ('"I have nothing to eat," said {friend} {*adverb}.',
     "{friend} looked at the {hero.food} and was very {*feeling}."),
    ('"We can share my {hero.food}," said {hero}.', "{hero} thought for a moment and gave half of it to {friend}."),
    ("They ate the {hero.food} with {*drink} and it was very good.",
     '"This is the best {hero.food} in the {place}!" said {friend}.'),
    ("The next day, {friend} brought {hero} some {friend.food}.",
     "After that, {friend} gave {hero} {a color2} {thing2}."),
)

TRAP = (
    ("One {*weather} day, {hero} {ed *motion} through the {place}.",
     "In the {*time}, {hero} went to the {place} alone."),
    ("Suddenly, {hero.they} fell into {a *adjective} hole.", "There {hero.they} lost the way in {a *adjective} cave."),
    ("{^hero.they} called and called, but only {a *animal} came.", '"Help! Help!" cried {hero} {*adverb}.'),
    "MEET",
    ('"Wait, I will get {a tool}," said {friend}.', '"I know what to do. I have {a tool}," said {friend}.'),
    ("With the {tool}, {friend} helped {hero} out.", "{friend} held the {tool}, and soon {hero} was free."),
    ("From then on, {hero} never went to the {place} without {a *tool}.",
     "{hero} had hurt {hero.their} {*body}, but it was not bad."),
)

CONTEST = (
    ("In {*month}, there was {a event} in the {building2}.", "Everyone in the {place} talked about the {event}."),
    ("{hero} wanted to {hero.skill} there, but {hero.they} was not good at it.",
     "{hero} wanted to win {a color2} {thing2}."),
    "MEET",
    ('"I can teach you how to {hero.skill}," said {friend}.', '"You must {hero.skill} every {*time}," said {friend}.'),
    ("{hero} tried to {hero.skill} every {*day} and every {*day}.",
     "They practiced for {number_word2} days in {a *building}."),
    ("At the {event}, nobody could {hero.skill} better than {hero}.",
     "At the {event}, {hero} was so good that the {*job} clapped."),
    ("The prize was {a color2} {thing2}.", "{hero} gave the prize, {a color2} {thing2}, to {friend}."),
)

FEAR = (
    ("{hero} was afraid of the {danger}.", "There was one thing {hero} did not like: the {danger}."),
    ("One {*time}, the {danger} came to the {place}.", "One {*time}, {hero} dreamed about the {danger}."),
    "MEET",
    ('"I was afraid of the {danger} too," said {friend}.',
     '"Take this {color2} {thing2}. It will help," said {friend}.'),
    ("{hero} took the {color2} {thing2} and {ed *motion} on.",
     "{hero} held the {color2} {thing2} and was not so {*feeling}."),
    ('"Now I am brave!" said {hero}.', "After that, {hero} laughed at the {danger}."),
    ("The {color2} {thing2} has hung in the {building} ever since.",
     "{hero} told {hero.their} {*relative} how {friend} had helped."),
)

VISITOR = (
    ("One {*season} night, it rained and rained.", "One {*weather} night, {hero} could not sleep."),
    ("{hero} heard {a *sound} at the door of the {building}.", "Someone knocked at the door of the {building}."),
    "MEET",
    ('"May I come in? I lost my {color2} {thing2}," said {friend}.',
     '"I come from the {place2}. Please let me in," said {friend}.'),
    ('"Of course," said {hero} and opened the door {*adverb}.',
     '"Come in! You can sleep on the {*household}," said {hero}.'),
    ("They drank {*drink} and talked about the {place2}.",
     "{hero} cooked {hero.food}, and they told each other {s *idea}."),
    ("In the morning, {friend} went back to the {place2}.",
     "In the morning, {friend} gave {hero} {a color2} {thing2}."),
)

MARKET = (
    ("On {*day}, {hero} went to the market with {number_word2} coins.", "{hero} needed {a color2} {thing2}."),
    ("{hero} looked for {a color2} {thing2}.", "A {job} sold {s thing2} there, and one was {color2}."),
    ("The {job} asked for {number_word2} coins.", '"It costs {number_word2} coins," said the {job} {*adverb}.'),
    "MEET",
    ('"I can lend you some coins," said {friend}.', '"Give the {job} some {hero.food} for it," said {friend}.'),
    ("So {hero} bought the {color2} {thing2}.", "The {job} was {*feeling} and gave {hero} the {color2} {thing2}."),
    ("At home, the {thing2} stood beside {a *adjective} {*household}.",
     "{friend} and {hero} {ed *handle} the {thing2} all {*time}."),
)

BUILD = (
    ("{hero} wanted to build {a adjective} {vehicle} of {material}.",
     "{hero} had an idea: {a adjective} {vehicle} of {material}!"),
    ("But {hero.they} had no {tool}.", "But there was no {material} in the {place}."),
    "MEET",
    ('"You can use my {tool}," said {friend}.', '"I have {material} at home, and {a tool}," said {friend}.'),
    ("They worked for {number_word2} days with the {tool}.",
     "{hero} held the {material}, and {friend} used the {tool}."),
    ("On {*day}, the {adjective} {vehicle} was ready.", "They painted the {vehicle} {color2}."),
    ("In it they traveled to the {place2}.", "Every {*animal} in the {place} wanted to see the {vehicle}."),
)

PLOTS = (LOST, SHARE, STUCK, CONTEST, VISITOR, FEAR, TRAP, MARKET, BUILD)

FRIENDS = (
    "{hero} and {friend} were friends from that day on.",
    "{hero} and {friend} went home {*adverb}.",
    "{hero} hugged {friend}.",
    "{friend} the {friend.kind} was {*feeling} too.",
)

NEXT = ("The next {*season}, something else happened.", "Some days later, {hero} had another adventure.")

MORAL = (
    "So {hero} the {hero.kind} learned to {*virtue}. The end.",
    "{hero} and {friend} lived happily in the {place}. The end.",
    "And {hero} never forgot to {*virtue}. The end.",
)
