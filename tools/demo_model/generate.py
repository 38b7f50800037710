#!/usr/bin/env python3
"""Write the training text and the held-out text of the small world, from a seed.

One JSON object a line: {"kind", "nats", "text"} or {"kind", "nats", "turns"}.
A document is held out if the hash of its combination (hero, kind, place, helper,
thing) says so; such a combination is in no training document.
"""

import argparse
import hashlib
import json
import os
import sys

import lexicon
from texts import chat, questions, stories
from weighted import Chooser

KINDS = [(stories, 0.72), (chat, 0.18), (questions, 0.10)]
SMALL_KINDS = [(stories, 0.80), (chat, 0.20)]
HELD_OUT_ONE_IN = 25


def held_out(combination):
    return hashlib.sha256(combination.encode()).digest()[0] % HELD_OUT_ONE_IN == 0


def documents(seed, count):
    chooser = Chooser(seed)
    for _ in range(count):
        u = chooser.random.random()
        for module, share in SMALL_KINDS if lexicon.SMALL else KINDS:
            u -= share
            if u < 0:
                break
        chooser.nats = 0.0
        body, combination = module.write(chooser)
        row = {"kind": module.__name__.split(".")[-1], "nats": round(chooser.nats, 3),
               "turns" if isinstance(body, list) else "text": body}
        yield row, held_out(combination)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=120000)
    parser.add_argument("--out", required=True, help="folder for train.jsonl and held_out.jsonl")
    parser.add_argument("--small-cast", action="store_true", help="two characters, one thing for each plot")
    parser.add_argument("--show", action="store_true", help="print a few documents and stop")
    args = parser.parse_args()
    if args.small_cast:
        lexicon.small_cast()
    if args.documents < 1:
        sys.exit(f"--documents must be at least 1, not {args.documents}")
    if args.show:
        for row, held in documents(args.seed, args.documents):
            print(f"[{row['kind']}{' held out' if held else ''} {row['nats']} nats]")
            print(row.get("text") or "\n".join(f"{r}: {t}" for r, t in row["turns"]), end="\n\n")
        return
    os.makedirs(args.out, exist_ok=True)
    counts = [0, 0]
    with open(os.path.join(args.out, "train.jsonl"), "w") as train, \
            open(os.path.join(args.out, "held_out.jsonl"), "w") as held_file:
        for row, held in documents(args.seed, args.documents):
            (held_file if held else train).write(json.dumps(row) + "\n")
            counts[held] += 1
    print(f"train {counts[0]} documents, held out {counts[1]}")


if __name__ == "__main__":
    main()
