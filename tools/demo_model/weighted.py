"""Weighted choices, and three ways to make them: draw them, read them back from a text, list them all.

A text is written by a program that alternates between choose() and say(). The same program runs with

- a Sampler, which draws each choice and adds up its information, -log(probability), in nats;
- a Reader, which holds a finished text and finds every sequence of choices that writes exactly it. If
  there is one only, the probability of the text is the product of the choices' probabilities: the
  information the Sampler logged is exact, nothing hidden and nothing counted twice;
- a Lister, which walks through all sequences of choices of a small program.

Weights: option number r (from 0) has weight 1 / (r + 1) ** exponent, so with the exponents in use the
first option is at least 1.5 times as likely as the second. FLAT gives 1.5, 1, 1, 1, ...
"""

import math
import random
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

SENTENCES = 0.7   # alternatives of wording: 1 : 0.62 : 0.46
WORDS = 1.0       # a class of words: 1 : 0.5 : 0.33
FLAT = None       # digits, closed-book facts: all about as often as each other


class DeadEnd(Exception):
    """The choices so far do not lead to the Reader's text."""


@lru_cache(maxsize=None)
def table(count, exponent):
    """(running sums, information of each option in nats)"""
    if exponent is FLAT:
        weights = [1.5] + [1.0] * (count - 1)
    else:
        weights = [(r + 1) ** -exponent for r in range(count)]
    total = math.fsum(weights)
    return list(accumulate(w / total for w in weights)), [-math.log(w / total) for w in weights]


class Sampler:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.start()

    def start(self):
        """Forget the last text."""
        self.nats, self.path, self.parts, self.marks = 0.0, [], [], []

    def mark(self, combination):
        """Note a combination that decides whether the text is held out."""
        self.marks.append(combination)

    def say(self, text):
        self.parts.append(text)

    def text(self):
        return "".join(self.parts)

    def choose(self, options, exponent, shown=None):
        """One of the options. shown(option), if given, must be a beginning of what is said next."""
        count = len(options)
        if count == 1:
            return options[0]
        sums, nats = table(count, exponent)
        r = min(bisect_right(sums, self.random.random()), count - 1)
        self.nats += nats[r]
        self.path.append(r)
        return options[r]


class Reader:
    """All ways to write one text, by depth-first search over the choices that the text leaves open."""

    def __init__(self, target, limit=100000):
        self.target, self.limit = target, limit

    def paths(self, write):
        """A list of (information in nats, choices) of every way in which write(self) gives the text."""
        found, open_ends, runs = [], [[]], 0
        while open_ends:
            self.given = open_ends.pop()
            self.open_ends = open_ends
            self.nats, self.path, self.branches, self.at = 0.0, [], 0, 0
            runs += 1
            if runs > self.limit:
                raise RuntimeError(f"more than {self.limit} ways to read: {self.target[:80]!r}")
            try:
                write(self)
            except DeadEnd:
                continue
            if self.at == len(self.target):
                found.append((self.nats, tuple(self.path)))
        return found

    def mark(self, combination):
        pass

    def say(self, text):
        if not self.target.startswith(text, self.at):
            raise DeadEnd
        self.at += len(text)

    def choose(self, options, exponent, shown=None):
        count = len(options)
        if count == 1:
            return options[0]
        fits = range(count) if shown is None else [
            r for r in range(count) if self.target.startswith(shown(options[r]), self.at)]
        if not fits:
            raise DeadEnd
        r = fits[0]
        if len(fits) > 1:
            if self.branches < len(self.given):
                r = self.given[self.branches]
            else:
                self.open_ends.extend(self.given + [other] for other in fits[1:])
                self.given = self.given + [r]
            self.branches += 1
        self.nats += table(count, exponent)[1][r]
        self.path.append(r)
        return options[r]


class Lister:
    """Every text of a program with few choices, with its probability."""

    def __init__(self, limit=200000):
        self.limit = limit

    def texts(self, write):
        """Yields (text, information in nats) once for each sequence of choices."""
        open_ends, runs = [[]], 0
        while open_ends:
            self.given = open_ends.pop()
            self.open_ends = open_ends
            self.nats, self.parts, self.depth = 0.0, [], 0
            runs += 1
            if runs > self.limit:
                raise RuntimeError(f"more than {self.limit} texts")
            write(self)
            yield "".join(self.parts), self.nats

    def mark(self, combination):
        pass

    def say(self, text):
        self.parts.append(text)

    def choose(self, options, exponent, shown=None):
        count = len(options)
        if count == 1:
            return options[0]
        if self.depth == len(self.given):
            self.open_ends.extend(self.given + [other] for other in range(1, count))
            self.given = self.given + [0]
        r = self.given[self.depth]
        self.depth += 1
        self.nats += table(count, exponent)[1][r]
        return options[r]
