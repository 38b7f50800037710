"""Word problems with one or two additions and now and then a number that is not needed."""

from digits import addition, number
from scope import Scope
from weighted import SENTENCES

START = ("{hero} has ", "In the morning, {hero} had ")
GIFT = ("{friend} gives {hero.them} ", "{hero} buys ")
SECOND = ("Then {third} brings ", "On {day}, {hero} finds ")
DISTRACTOR = ("The {relative} has ", "There are ")
ASK = ("How many {s thing} does {hero} have now?", "How many {s thing} is that for {hero}?")


def counted(scope, templates, lengths, after):
    """A beginning, a number, an end; returns the number."""
    scope.tell(*templates)
    value = number(scope.writer, lengths)
    scope.tell(after, lead=" ")
    return value


def problem(scope):
    """Says the question; returns the numbers to add."""
    w = scope.writer
    numbers = [counted(scope, START, (2, 1), "{s thing}.")]
    if w.choose((False, True), SENTENCES):
        counted(scope, DISTRACTOR, (1, 2), "{s thing2}.")
    numbers.append(counted(scope, GIFT, (2, 1), "more."))
    if w.choose((False, True), SENTENCES):
        numbers.append(counted(scope, SECOND, (1, 2), "more."))
    scope.tell(*ASK)
    w.mark("problem " + scope.bound["hero"] + " " + " ".join(map(str, numbers)))
    return numbers


def solution(numbers):
    """In the layout of GSM8K: the work, then #### and the number."""
    total, lines = numbers[0], []
    for n in numbers[1:]:
        lines.append(addition(total, n))
        total += n
    return "\n".join(lines) + f"\n#### {total}"


def write(writer):
    writer.say("Question: ")
    numbers = problem(Scope(writer))
    writer.say("\nAnswer: " + solution(numbers))
