"""Seeded, weighted choices that keep count of their own probability.

Every choice is Zipf-like: option number r (from 0) has weight 1 / (r + 1) ** 0.7,
so the first option is about 1.6 times as likely as the second. The sum of the
logarithms of all probabilities is the information that a document carries; see
README.md for what that says about the loss a model can reach.
"""

import math
import random

EXPONENT = 0.7
_tables = {}


def _table(n):
    if n not in _tables:
        weights = [1.0 / (r + 1) ** EXPONENT for r in range(n)]
        total = sum(weights)
        probabilities = [w / total for w in weights]
        sums, running = [], 0.0
        for p in probabilities:
            running += p
            sums.append(running)
        _tables[n] = (sums, [-math.log(p) for p in probabilities])
    return _tables[n]


class Chooser:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.nats = 0.0

    def pick(self, *options):
        """One of the options, the first the most likely. A single list is taken as the options."""
        if len(options) == 1 and isinstance(options[0], (list, tuple)):
            options = options[0]
        n = len(options)
        if n == 1:
            return options[0]
        sums, costs = _table(n)
        u = self.random.random()
        for r in range(n):
            if u < sums[r] or r == n - 1:
                self.nats += costs[r]
                return options[r]

    def chance(self, probability):
        hit = self.random.random() < probability
        self.nats -= math.log(probability if hit else 1.0 - probability)
        return hit
