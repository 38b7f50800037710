"""Conversations that only the conversation answers: notes told and asked for, lists to say again.

Their words are drawn evenly, rare ones too: elsewhere a model that knows the usual words and never looks back is
often right, here hardly ever.
"""

from inflect import article
from lexicon import CLASSES
from scope import Scope
from texts.turns import Turns
from weighted import FLAT, SENTENCES

# what is told, asked and answered: @ of the class, # of the other class, "a #" with its article
NOTES = (
    ("name", "food", "@ likes #.", "What does @ like?", "@ likes #."),
    ("toy", "color", "The @ is #.", "What color is the @?", "The @ is #."),
    ("name", "animal", "@ is a #.", "What animal is @?", "@ is a #."),
    ("name", "thing", "@ has a #.", "What does @ have?", "@ has a #."),
    ("household", "spot", "The @ is #.", "Where is the @?", "The @ is #."),
    ("name", "place", "@ lives near the #.", "Where does @ live?", "@ lives near the #."),
    (None, "name", "My name is #.", "What is my name?", "Your name is #."),
    (None, "food", "I like #.", "What do I like?", "You like #."),
    (None, "town", "I live in #.", "Where do I live?", "You live in #."),
)
LISTED = ("animal", "name", "food", "color", "place", "town")
LEAST_NOTES, MOST_NOTES = 2, 5
LEAST_WORDS, MOST_WORDS = 3, 8
MOST_EXCHANGES = 6


class Note:
    def __init__(self, row, about, said):
        self.row, self.about, self.said = row, about, said

    def put(self, template):
        return template.replace("@", self.about).replace("a #", article(self.said)).replace("#", self.said)

    @property
    def told(self):
        return self.put(self.row[2])

    @property
    def question(self):
        return self.put(self.row[3])

    @property
    def answer(self):
        return self.put(self.row[4])


def say_note(writer, notes, lead):
    """Says something about what no note of its sort is about yet; returns the note."""
    def begun(note):
        return lead + note.told

    taken = {(n.row, n.about) for n in notes}
    rows = [r for r in NOTES if r[0] or (r, "") not in taken]
    row = writer.choose(rows, FLAT, lambda r: lead + r[2].partition("#")[0].partition("@")[0])
    about = ""
    if row[0]:
        left = [w for w in CLASSES[row[0]] if (row, w) not in taken]
        about = writer.choose(left, FLAT, lambda w: lead + row[2].replace("@", w).partition("a #")[0].partition("#")[0])
    said = writer.choose(CLASSES[row[1]], FLAT, lambda w: begun(Note(row, about, w)))
    note = Note(row, about, said)
    writer.say(begun(note))
    notes.append(note)
    return note


def tell(turns, notes):
    """Some notes in one turn."""
    w = turns.scope.writer
    turns.open("user")
    w.say("Remember this:")
    count = w.choose(range(LEAST_NOTES, MOST_NOTES + 1), FLAT)
    for _ in range(count):
        say_note(w, notes, " ")
    turns.close()
    turns.turn_of("assistant", "I will remember.")


def tell_one(turns, notes):
    """A note, said back."""
    turns.open("user")
    note = say_note(turns.scope.writer, notes, "")
    turns.close()
    turns.turn_of("assistant", "I see. " + note.answer)


def ask(turns, notes):
    lead = turns.opened("user")
    note = turns.scope.writer.choose(notes, FLAT, lambda n: lead + n.question)
    turns.turn_of("user", note.question)
    turns.turn_of("assistant", note.answer)


def repeat(turns, notes):
    """Words to say again."""
    w = turns.scope.writer
    turns.open("user")
    label = w.choose(LISTED, FLAT, lambda c: f"Say again, {c}: ")
    w.say(f"Say again, {label}: ")
    said = []
    for _ in range(w.choose(range(LEAST_WORDS, MOST_WORDS + 1), FLAT)):
        comma = ", " if said else ""
        said.append(w.choose([x for x in CLASSES[label] if x not in said], FLAT, lambda x: comma + x))
        w.say(comma + said[-1])
    w.mark("repeat " + " ".join(said))
    turns.close()
    turns.turn_of("assistant", ", ".join(said))


def write(writer):
    turns, notes = Turns(Scope(writer)), []
    writer.choose((tell, tell_one, repeat), SENTENCES)(turns, notes)
    for count in range(2, MOST_EXCHANGES + 1):
        if not writer.choose((True, False), 2.0):
            break
        writer.choose((ask, tell_one, tell, repeat) if notes else (tell, repeat, tell_one), SENTENCES)(turns, notes)
    if notes:
        writer.mark("notes " + " ".join(n.told for n in notes))
