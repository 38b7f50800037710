"""Simple JSON: a record written from a description, and questions answered from it."""

import json

from digits import number
from scope import Scope
from weighted import SENTENCES, WORDS

FIELDS = ("kind", "town", "color", "age", "food", "job", "things")
LEAST, MOST = 2, 5


def field(scope, name, lead):
    """Says the words for a field, 'town Ashby'; returns its value."""
    w = scope.writer
    w.say(f"{lead}{name} ")
    if name == "age":
        return number(w, (2, 1))
    if name == "things":
        scope.tell("{thing} and {thing2}", "{thing}, {thing2} and {thing3}", lead="")
        return [scope.bound[s] for s in ("thing", "thing2", "thing3") if s in scope.bound]
    scope.pick("hero." + name)
    return scope.bound["hero." + name]


def describe(scope):
    """Says 'Lily: kind fox, age 12'; returns the record."""
    w = scope.writer
    scope.pick("hero")
    record = {"name": scope.bound["hero"]}
    left, lead = FIELDS, ": "
    while len(record) <= LEAST or (len(record) <= MOST and w.choose((True, False), SENTENCES)):
        name = w.choose(left, WORDS, lambda f: f"{lead}{f} ")
        left = tuple(f for f in left if f != name)
        record[name] = field(scope, name, lead)
        lead = ", "
    w.mark("record " + json.dumps(record))
    return record


def write(writer):
    writer.say("Write as JSON: ")
    record = describe(Scope(writer))
    writer.say("\n" + json.dumps(record))
    names = tuple(n for n in record if n not in ("name", "things"))
    if writer.choose((True, False), SENTENCES) and names:
        asked = writer.choose(names, SENTENCES, lambda n: f"\nQuestion: What is the {n} of")
        writer.say(f"\nQuestion: What is the {asked} of {record['name']}?\nAnswer: {record[asked]}")
