"""Lists to sort: words by letter, numbers by size."""

from digits import number
from lexicon import CLASSES
from weighted import SENTENCES, WORDS

SORTED = ("animal", "fruit", "color", "name", "place")
KNOWN_WORDS = 40   # of each class
LEAST, MOST = 3, 6


def more(writer, items):
    return len(items) < LEAST or (len(items) < MOST and writer.choose((True, False), SENTENCES))


def words(writer, lead):
    label = writer.choose(SORTED, SENTENCES, lambda c: f"{lead}Sort by letter, {c}: ")
    writer.say(f"{lead}Sort by letter, {label}: ")
    items = []
    while more(writer, items):
        left = [w for w in CLASSES[label][:KNOWN_WORDS] if w not in items]
        comma = ", " if items else ""
        items.append(writer.choose(left, WORDS, lambda w: comma + w))
        writer.say(comma + items[-1])
    return items, sorted(items)


def numbers(writer, lead):
    writer.say(f"{lead}Sort by size: ")
    items = []
    while more(writer, items):
        writer.say(", " if items else "")
        items.append(number(writer, (2, 1, 3)))
    return [str(i) for i in items], [str(i) for i in sorted(items)]


def exercise(writer, lead=""):
    """Says the list; returns the answer."""
    items, answer = writer.choose((words, numbers), SENTENCES)(writer, lead)
    writer.mark("sort " + " ".join(items))
    return ", ".join(answer)


def write(writer):
    answer = exercise(writer)
    writer.say("\nSorted: " + answer)
