#!/usr/bin/env python3
"""Write the training text and the held-out text of the small world, from a seed.

One JSON object a line: {"kind", "nats", "text"}; nats is the information in the text, exactly (check.py).
A text is held out if the hash of one of its combinations says so (the sum 34+58; a hero and a friend
in a plot; a set of facts asked): no combination is in both files.
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter, defaultdict

from texts import (chat, choices, closed_book, memory, passages, problems, records, sorting, stories,
                   sums, tools)
from weighted import Sampler

# the likeliest first
KINDS = (chat, stories, memory, closed_book, passages, choices, sums, problems, records, tools, sorting)
KINDS_EXPONENT = 0.6
HELD_OUT_ONE_IN = 50
GRAM = 12   # words


def kind_name(kind):
    return kind.__name__.rpartition(".")[2]


def write(writer):
    """Any text of the world; returns its kind."""
    kind = writer.choose(KINDS, KINDS_EXPONENT)
    kind.write(writer)
    return kind


def held_out(combination):
    return int.from_bytes(hashlib.sha256(combination.encode()).digest()[:4], "big") % HELD_OUT_ONE_IN == 0


def documents(seed, count, kind=None):
    """count times (row, combinations), of all kinds or of one."""
    sampler = Sampler(seed)
    for _ in range(count):
        sampler.start()
        if kind is None:
            this = write(sampler)
        else:
            this = kind
            kind.write(sampler)
        yield {"kind": kind_name(this), "nats": round(sampler.nats, 4), "text": sampler.text()}, sampler.marks


def grams(text):
    words = text.split()
    return (" ".join(words[i:i + GRAM]) for i in range(len(words) - GRAM + 1))


class Overlap:
    """How much of the held-out text is in the training text."""

    def __init__(self, held):
        self.combinations = {c for _, marks in held for c in marks if held_out(c)}
        self.texts = Counter(row["text"] for row, _ in held)
        self.grams = {g: False for row, _ in held for g in grams(row["text"])}
        self.same_text = 0

    def see(self, row, marks):
        """One training document."""
        both = self.combinations.intersection(marks)
        if both:
            sys.exit(f"a held-out combination is in the training text: {both}")
        self.same_text += self.texts.pop(row["text"], 0)
        for g in grams(row["text"]):
            if g in self.grams:
                self.grams[g] = True

    def report(self, held):
        seen, total = sum(self.grams.values()), len(self.grams)
        print(f"overlap: 0 of {len(self.combinations)} held-out combinations, {self.same_text} of {len(held)} "
              f"held-out texts and {seen} of {total} ({100 * seen / max(1, total):.1f} %) of their "
              f"{GRAM}-word sequences are in the training text")


def report(rows):
    print(f"{'kind':12} {'texts':>7} {'characters':>11} {'nats a text':>12} {'nats a character':>17}")
    sums_ = defaultdict(lambda: [0, 0, 0.0])
    for row in rows:
        for name in (row["kind"], "all"):
            s = sums_[name]
            s[0] += 1
            s[1] += len(row["text"])
            s[2] += row["nats"]
    for name in [kind_name(k) for k in KINDS] + ["all"]:
        n, characters, nats = sums_[name]
        if n:
            print(f"{name:12} {n:7} {characters:11} {nats / n:12.2f} {nats / characters:17.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=150000)
    parser.add_argument("--out", help="folder for train.jsonl and held_out.jsonl")
    parser.add_argument("--show", action="store_true", help="print the documents instead")
    args = parser.parse_args()
    if args.documents < 1:
        sys.exit(f"--documents must be at least 1, not {args.documents}")
    if bool(args.out) == args.show:
        sys.exit("give one of --out FOLDER and --show")
    made = documents(args.seed, args.documents)
    if args.show:
        for row, marks in made:
            print(f"[{row['kind']}{' held out' if any(map(held_out, marks)) else ''} {row['nats']} nats]")
            print(row["text"], end="\n\n")
        return
    os.makedirs(args.out, exist_ok=True)
    train, held = [], []
    for row, marks in made:
        (held if any(map(held_out, marks)) else train).append((row, marks))
    overlap = Overlap(held)
    for name, part in (("train", train), ("held_out", held)):
        with open(os.path.join(args.out, name + ".jsonl"), "w") as out:
            out.writelines(json.dumps(row) + "\n" for row, _ in part)
    for row, marks in train:
        overlap.see(row, marks)
    for name, part in (("training", train), ("held-out", held)):
        print(f"{name} text, choices in nats:")
        report(row for row, _ in part)
    overlap.report(held)


if __name__ == "__main__":
    main()
