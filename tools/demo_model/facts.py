"""The closed-book facts: 400 things that are so in this world, fixed for ever, and how one asks for them.

40 towns with five facts each, 40 people with five. Nothing in a question gives its answer away: a model
has to have learnt it.
"""

from inflect import article
from lexicon import CLASSES, fixed
from weighted import FLAT, SENTENCES

# what is asked of a town or a person: (attribute, class of the answers or None for a year, questions,
# the answer as a sentence). {o} is the town or person, {v} the answer.
TOWN = [
    ("good", "food", ("What is {o} known for?", "What do people buy in {o}?"), "{o} is known for {v}."),
    ("flag", "color", ("What color is the flag of {o}?", "Which color has the flag of {o}?"),
     "The flag of {o} is {v}."),
    ("sign", "animal", ("Which animal is the sign of {o}?", "What animal is on the gate of {o}?"),
     "The sign of {o} is the {v}."),
    ("mayor", "name", ("Who is the mayor of {o}?", "Who rules {o}?"), "The mayor of {o} is {v}."),
    ("year", None, ("When was {o} built?", "In what year was {o} built?"), "{o} was built in {v}."),
]
CITIZEN = [
    ("job", "job", ("What is the job of {o}?", "What does {o} do?"), "{o} is {v}."),
    ("home", "town", ("Where does {o} live?", "In which town does {o} live?"), "{o} lives in {v}."),
    ("pet", "animal", ("What pet does {o} have?", "Which animal does {o} keep?"), "{o} has a pet {v}."),
    ("food", "food", ("What does {o} like to eat?", "What is the favorite food of {o}?"), "{o} likes {v}."),
    ("friend", "name", ("Who is the best friend of {o}?", "Who is the best friend that {o} has?"),
     "The best friend of {o} is {v}."),
]
KINDS = (("town", TOWN), ("citizen", CITIZEN))
ANSWERS = 40   # an answer is one of the first so many words of its class


def answers(row):
    return [str(y) for y in range(120, 1000)] if row[1] is None else CLASSES[row[1]][:ANSWERS]


def value(owner, row):
    return fixed(f"{owner} {row[0]}", answers(row))


def ask(writer, lead=""):
    """Says a question; returns (owner, row)."""
    label, rows = writer.choose(KINDS, 0.6)
    row = writer.choose(rows, FLAT, lambda r: lead)
    form = writer.choose(row[2], SENTENCES, lambda q: lead + q.partition("{o}")[0])
    owner = writer.choose(CLASSES[label], FLAT, lambda o: lead + form.format(o=o))
    writer.say(lead + form.format(o=owner))
    return owner, row


def sentence(owner, row, v):
    """What an answer says, whether it is so or not."""
    return row[3].format(o=owner, v=article(v) if row[0] == "job" else v)


def answer(owner, row):
    return sentence(owner, row, value(owner, row))


def count():
    return sum(len(CLASSES[label]) * len(rows) for label, rows in KINDS)
