"""Conversations of one to six questions: about the user, stories and what was in them, facts, sums, lists."""

from digits import addition, number
from facts import answer, ask
from scope import Scope
from texts.plots import FRIENDS, MORAL, OPENING, PLOTS, SCENERY
from texts.sorting import exercise
from texts.stories import adventure
from texts.turns import Turns
from weighted import SENTENCES

MOST = 6
SYSTEM = ("You are a helpful assistant.", "You tell little stories.", "You are a friendly storyteller.")
# a question, its answer
SMALL_TALK = (
    ("Hello!", "Hello! How can I help you?"),
    ("Who are you?", "I am the demo model of kilotoken."),
    ("What can you do?", "I can tell stories, add numbers and answer questions about my world."),
    ("How are you?", "I am well, thank you! And you?"),
    ("Thank you!", "You are welcome!"),
    ("Good morning!", "Good morning! What can I do for you?"),
)
# slot, what the user says, the reply, the question, its answer
ABOUT_USER = (
    ("user", ("My name is {user}.", "I am {user}."), ("Hello, {user}! Nice to meet you.",),
     "What is my name?", "Your name is {user}."),
    ("user.food", ("I like {user.food}.", "My favorite food is {user.food}."),
     ("I will remember that you like {user.food}.", "Mmm, {user.food}!"),
     "What do I like to eat?", "You like {user.food}."),
    ("user.job", ("I work as {a user.job}.",), ("It must be nice to be {a user.job}!",),
     "What is my job?", "You are {a user.job}."),
    ("user.town", ("I live in {user.town}.",), ("{user.town} is a nice town.", "I have heard of {user.town}."),
     "Where do I live?", "You live in {user.town}."),
    ("user.color", ("My favorite color is {user.color}.",), ("{^user.color} is a pretty color.",),
     "What is my favorite color?", "Your favorite color is {user.color}."),
)
# what must be in the story, the question, its answer
ABOUT_STORY = (
    ("friend", "Who is the friend of {hero}?", "The friend of {hero} is {friend}."),
    ("friend.kind", "What animal is {friend}?", "{friend} is {a friend.kind}."),
    ("hero.kind", "What animal is {hero}?", "{hero} is {a hero.kind}."),
    ("building", "Where does {hero} live?", "{hero} lives in {a building}."),
    ("thing", "What color is the {thing}?", "The {thing} is {color}."),
    ("thing2", "What color is the {thing2}?", "The {thing2} is {color2}."),
    ("spot", "Where was the {thing}?", "The {thing} was {spot}."),
    ("place", "What place is in the story?", "The story is about the {place}."),
    ("tool", "Which tool was in the story?", "There was {a tool} in the story."),
)


def small_talk(scope, turns):
    question, reply = scope.writer.choose(SMALL_TALK, SENTENCES, lambda t: turns.opened("user") + t[0])
    turns.turn("user", question)
    turns.turn("assistant", reply)


def introduce(scope, turns):
    new = [row for row in ABOUT_USER if row[0] not in scope.bound]
    row = scope.writer.choose(new, SENTENCES)
    turns.turn("user", *row[1])
    turns.turn("assistant", *row[2])


def recall(scope, turns):
    known = [row for row in ABOUT_USER if row[0] in scope.bound]
    row = scope.writer.choose(known, SENTENCES, lambda r: turns.opened("user") + r[3])
    turns.turn("user", row[3])
    turns.turn("assistant", row[4])


def tell_story(scope, turns):
    w = scope.writer
    turns.turn("user", "Tell me a story about {a hero.kind}.", "Please tell me a story about {a hero.kind}.",
               "Tell me about {a hero.kind} named {hero}.")
    turns.open("assistant")
    scope.lead = ""
    scope.tell(*(t for t in OPENING[0] if "{a hero.trait} {hero.kind}" in t))
    scope.tell(*OPENING[1])
    scope.tell(*SCENERY)
    adventure(scope, w.choose(PLOTS, SENTENCES))
    scope.tell(*FRIENDS)
    scope.tell(*MORAL)
    turns.close()
    w.mark("story " + " ".join(scope.bound[s] for s in ("hero", "hero.kind", "friend", "friend.kind")))


def ask_about_story(scope, turns):
    known = [row for row in ABOUT_STORY if row[0] in scope.bound]
    row = scope.writer.choose(known, SENTENCES, lambda r: turns.opened("user") + scope.beginning(r[1]).strip())
    turns.turn("user", row[1])
    turns.turn("assistant", row[2])


def ask_fact(scope, turns):
    lead = turns.opened("user")
    owner, row = ask(scope.writer, lead)
    turns.count += 1
    turns.close()
    turns.turn_of("assistant", answer(owner, row))


def add(scope, turns):
    turns.open("user")
    scope.writer.say("How much is ")
    a = number(scope.writer, (2, 3, 1))
    scope.writer.say("+")
    b = number(scope.writer, (2, 3, 1))
    scope.writer.say("?")
    turns.close()
    scope.writer.mark(f"sum {a}+{b}")
    turns.turn_of("assistant", addition(a, b))


def sort(scope, turns):
    turns.open("user")
    ordered = exercise(scope.writer)
    turns.close()
    turns.turn_of("assistant", ordered)


def possible(scope):
    """The kinds of exchange that can come next, the likeliest first."""
    told = "hero" in scope.bound
    out = [ask_about_story if told else tell_story, ask_fact]
    if len([1 for row in ABOUT_USER if row[0] in scope.bound]) < len(ABOUT_USER):
        out.append(introduce)
    if any(row[0] in scope.bound for row in ABOUT_USER):
        out.insert(1, recall)
    return out + [add, small_talk, sort]


def write(writer):
    scope = Scope(writer)
    turns = Turns(scope)
    if writer.choose((False, True), SENTENCES):
        turns.turn("system", *SYSTEM)
    for count in range(1, MOST + 1):
        writer.choose(possible(scope), SENTENCES)(scope, turns)
        if count == MOST or not writer.choose((True, False), 1.6):
            break
    writer.mark("chat " + " ".join(sorted(set(scope.bound.values()))))
