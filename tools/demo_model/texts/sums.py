"""Additions of numbers with one to three digits: straight, or worked out digit by digit."""

from digits import addition, number
from weighted import SENTENCES

LEAST, MOST = 2, 5
STRAIGHT = (2, 1)     # how many digits the numbers of a sum said straight have
WORKED = (3, 2)


def straight(writer, lead=""):
    """Says '34+58'; returns the two numbers."""
    writer.say(lead)
    a = number(writer, STRAIGHT)
    writer.say("+")
    b = number(writer, STRAIGHT)
    writer.mark(f"sum {a}+{b}")
    return a, b


def write(writer):
    for count in range(1, MOST + 1):
        if writer.choose((False, True), SENTENCES):
            a, b = straight(writer)
            writer.say(f"={a + b}")
        else:
            a = number(writer, WORKED)
            writer.say("+")
            b = number(writer, (3, 2, 1))
            writer.mark(f"sum {a}+{b}")
            writer.say(": " + addition(a, b))
        if count == MOST or (count >= LEAST and not writer.choose((True, False), SENTENCES)):
            break
        writer.say("\n")
