#!/usr/bin/env python3
"""Prove on examples that the information logged with each text is exact.

1. Each of many texts is read back: exactly one sequence of choices writes it (over all kinds together),
   the logged one. So the probability of the text is the product of its choices' probabilities, and the
   mean of the logged information over texts estimates the entropy without bias.
2. Programs with few choices are listed whole: the texts differ, the probabilities add up to 1, and the
   entropy computed from them agrees with the mean that sampling logs.
3. Every choice prefers its first option by at least 1.5 to 1.

With --tokenizer, the bound for each kind in nats per token as well.
"""

import argparse
import math
import sys
from collections import defaultdict

from facts import ask, count
from generate import KINDS, KINDS_EXPONENT, documents, kind_name, write
from lexicon import size
from scope import KNOWN
from texts import sums
from texts.plots import SCENERY
from texts.closed_book import answer
from weighted import FLAT, SENTENCES, WORDS, Lister, Reader, Sampler, table


def closed_book_fact(writer):
    owner, row = ask(writer)
    writer.say(" " + answer(owner, row))


def small_sum(writer):
    a, b = sums.straight(writer)
    writer.say(f"={a + b}")


def three_colors(writer):
    items = []
    while len(items) < 3:
        items.append(writer.choose([c for c in ("red", "blue", "green", "pink") if c not in items], WORDS))
        writer.say(items[-1] + " ")
    writer.say(", ".join(sorted(items)))


def hidden_choice(writer):
    writer.choose(("one", "two"), FLAT)
    writer.say("three")


def read_back(seed, count_):
    if len(Reader("three").paths(hidden_choice)) != 2:
        sys.exit("a choice that does not show was not found")
    sampler = Sampler(seed)
    for _ in range(count_):
        sampler.start()
        write(sampler)
        text = sampler.text()
        paths = Reader(text).paths(write)
        if [p for _, p in paths] != [tuple(sampler.path)]:
            sys.exit(f"{len(paths)} sequences of choices write this text: {text!r}")
        if abs(paths[0][0] - sampler.nats) > 1e-9:
            sys.exit(f"logged {sampler.nats} nats, read {paths[0][0]}: {text!r}")
    print(f"{count_} texts read back, each by one sequence of choices only")


def listed(name, program, samples, seed):
    probability = defaultdict(float)
    ways = 0
    for text, nats in Lister().texts(program):
        probability[text] += math.exp(-nats)
        ways += 1
    if ways != len(probability):
        sys.exit(f"{name}: {ways} sequences of choices, but {len(probability)} texts")
    total = math.fsum(probability.values())
    entropy = -math.fsum(p * math.log(p) for p in probability.values())
    spread = math.sqrt(math.fsum(p * math.log(p) ** 2 for p in probability.values()) - entropy ** 2)
    sampler, logged = Sampler(seed), 0.0
    for _ in range(samples):
        sampler.start()
        program(sampler)
        logged += sampler.nats / samples
    error = spread / math.sqrt(samples)
    print(f"{name}: {ways} texts, probabilities add up to {total:.12f}, entropy {entropy:.4f} nats, "
          f"logged mean {logged:.4f} +- {error:.4f}")
    if abs(total - 1) > 1e-9 or abs(logged - entropy) > 5 * error:
        sys.exit(f"{name}: the logged information is not the entropy")


def first_options():
    for exponent in (SENTENCES, WORDS, KNOWN, KINDS_EXPONENT, FLAT):
        nats = table(len(SCENERY), exponent)[1]
        if math.exp(nats[1] - nats[0]) < 1.5:
            sys.exit(f"exponent {exponent}: the first option is only {math.exp(nats[1] - nats[0]):.2f} times the next")


def per_token(path, count_, seed):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(path)
    print(f"{'kind':12} {'tokens a text':>14} {'nats a token':>13} {'nats a character':>17}")
    for kind in KINDS + (None,):
        rows = [row for row, _ in documents(seed, count_, kind)]
        # one more token ends the text, one less (the first) is given
        tokens = sum(len(e.ids) for e in tokenizer.encode_batch([r["text"] for r in rows]))
        nats, characters = sum(r["nats"] for r in rows), sum(len(r["text"]) for r in rows)
        print(f"{kind_name(kind) if kind else 'all':12} {tokens / count_:14.1f} {nats / tokens:13.4f} "
              f"{nats / characters:17.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--tokenizer", help="a tokenizer.json")
    args = parser.parse_args()
    print(f"{size()} words in the lexicon, {count()} closed-book facts")
    first_options()
    listed("closed-book fact", closed_book_fact, 20000, args.seed)
    listed("sum of 1 or 2 digits", small_sum, 20000, args.seed)
    listed("three colors to sort", three_colors, 20000, args.seed)
    read_back(args.seed, args.documents)
    if args.tokenizer:
        per_token(args.tokenizer, args.documents, args.seed)


if __name__ == "__main__":
    main()
