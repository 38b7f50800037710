"""A passage about two to four people, and questions about one of them: the others are distractors."""

import re

from scope import PEOPLE, Scope
from weighted import SENTENCES

# what is said of a person @: wordings, then (question, answer) from the person and to the person
STATEMENTS = {
    "kind": (("@ is {a @.trait} {@.kind}.", "There is {a @.trait} {@.kind} named @."),
             (("What animal is @?", "@ is {a @.kind}."), ("Who is {a @.kind}?", "@ is {a @.kind}."))),
    "place": (("@ lives near the {@.place}.", "The home of @ is near the {@.place}."),
              (("Where does @ live?", "@ lives near the {@.place}."),
               ("Who lives near the {@.place}?", "@ lives near the {@.place}."))),
    "thing": (("@ has {a @.color} {@.thing}.", "{^a @.color} {@.thing} belongs to @."),
              (("What does @ have?", "@ has {a @.color} {@.thing}."),
               ("Who has {a @.color} {@.thing}?", "@ has {a @.color} {@.thing}."))),
    "food": (("@ likes {@.food}.", "The favorite food of @ is {@.food}."),
             (("What does @ like?", "@ likes {@.food}."), ("Who likes {@.food}?", "@ likes {@.food}."))),
    "job": (("@ works as {a @.job}.", "@ wants to be {a @.job}."),
            (("What is the job of @?", "@ is {a @.job}."), ("Who is {a @.job}?", "@ is {a @.job}."))),
}
COUNTS = (3, 2, 4)
ORDERS = (("kind", "place", "thing"), ("thing", "food", "place"), ("job", "thing", "food"),
          ("kind", "food", "job"), ("place", "job", "kind"))


def about(template, person):
    """The template with a person for each @, inside braces and outside."""
    inside = re.sub(r"\{[^}]*\}", lambda m: m.group().replace("@", person), template)
    return inside.replace("@", "{" + person + "}")


def passage(scope):
    """Says it; returns the [(person, statement)] that it states. Everyone is told of in the same respects."""
    w = scope.writer
    people = PEOPLE[:w.choose(COUNTS, SENTENCES)]
    order = w.choose(ORDERS, SENTENCES)
    for person in people:
        for statement in order:
            scope.tell(*(about(t, person) for t in STATEMENTS[statement][0]))
    w.mark("passage " + " ".join(sorted(scope.bound.values())))
    return [(person, statement) for person in people for statement in order]


def question(scope, stated, lead):
    """Says a question about something stated; returns (person, statement, which way, the answer with @ for the
    person)."""
    asked = [(p, s, way) for way in (0, 1) for p, s in stated]
    person, statement, way = scope.writer.choose(
        asked, 0.6, lambda a: lead + scope.beginning(about(STATEMENTS[a[1]][1][a[2]][0], a[0])).strip())
    q, a = STATEMENTS[statement][1][way]
    scope.tell(about(q, person), lead=lead)
    return person, statement, way, a


def write(writer):
    scope = Scope(writer)
    stated = passage(scope)
    for last in (False, False, True):
        person, _, _, answer = question(scope, stated, "\nQuestion: ")
        scope.tell(about(answer, person), lead="\nAnswer: ")
        if last or not writer.choose((True, False), SENTENCES):
            break
