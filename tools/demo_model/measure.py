#!/usr/bin/env python3
"""Held-out loss by kind against the exact bound, and whether names are copied from the context.

A name costs what the generator's choice costs at its first mention; later mentions are nearly free for
a model that copies, and cost as much as the first for one that does not.
"""

import argparse
import os
import re
import sys
from collections import defaultdict

import torch
import torch.nn.functional as F

from checkpoint import read_weights
from data import EOS, open_tokenizer, read
from lexicon import CLASSES

NAME = re.compile(r"\b(?:" + "|".join(CLASSES["name"]) + r")\b")


def losses(model, tokenizer, texts, batch=16):
    """For each text: (encoding, nats of each token after the first, the end included)."""
    device = next(model.parameters()).device
    encodings = tokenizer.encode_batch(texts)
    out = [None] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            part = order[at:at + batch]
            length = max(len(encodings[i].ids) for i in part) + 1
            ids = torch.full((len(part), length), EOS)
            for row, i in zip(ids, part):
                row[:len(encodings[i].ids)] = torch.tensor(encodings[i].ids)
            ids = ids.to(device)
            logits = model(ids[:, :-1])
            nats = F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").cpu()
            for row, i in zip(nats, part):
                out[i] = (encodings[i], row[:len(encodings[i].ids)])
    return out


def mentions(text, encoding, nats):
    """Nats for each mention of a name: (the first ones, the later ones)."""
    seen, first, later = set(), [], []
    for m in NAME.finditer(text):
        cost = sum(float(nats[t - 1]) for t, (a, b) in enumerate(encoding.offsets)
                   if t > 0 and b > m.start() and a < m.end() and a < b)
        (later if m.group() in seen else first).append(cost)
        seen.add(m.group())
    return first, later


def measure(model, tokenizer, rows):
    """A dict: for each kind and "all" (loss, bound) in nats a token; nats of first and later names."""
    model.eval()
    sums = defaultdict(lambda: [0, 0.0, 0.0])
    first, later = [], []
    for row, (encoding, nats) in zip(rows, losses(model, tokenizer, [r["text"] for r in rows])):
        for kind in (row["kind"], "all"):
            s = sums[kind]
            s[0] += len(nats)
            s[1] += float(nats.sum())
            s[2] += row["nats"]
        if row["kind"] == "stories":
            a, b = mentions(row["text"], encoding, nats)
            first += a
            later += b
    model.train()
    out = {kind: (round(s[1] / s[0], 4), round(s[2] / s[0], 4)) for kind, s in sorted(sums.items())}
    out["names"] = (round(sum(first) / max(1, len(first)), 3), round(sum(later) / max(1, len(later)), 3))
    return out


def continued(model, tokenizer, text, count, stop=(EOS,)):
    """The likeliest continuation of a text."""
    ids = tokenizer.encode(text).ids
    given = len(ids)
    with torch.inference_mode():
        while len(ids) - given < count:
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
            if ids[-1] in stop:
                break
    return tokenizer.decode(ids[given:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="checkpoint.pt or weights.pt")
    parser.add_argument("--data", required=True, help="folder with held_out.jsonl")
    parser.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--samples", type=int, default=3, help="openings of held-out texts to continue")
    args = parser.parse_args()
    if args.documents < 1:
        sys.exit(f"--documents must be at least 1, not {args.documents}")
    model, state = read_weights(args.checkpoint)
    tokenizer = open_tokenizer(os.path.join(args.tokenizer, "tokenizer.json"))
    rows = read(os.path.join(args.data, "held_out.jsonl"), args.documents)
    result = measure(model, tokenizer, rows)
    first, later = result.pop("names")
    print(f"step {state['step']}, {state['tokens']} tokens")
    print(f"{'kind':12} {'loss':>8} {'bound':>8} {'above':>8}   nats a token")
    for kind, (loss, bound) in result.items():
        print(f"{kind:12} {loss:8.4f} {bound:8.4f} {loss - bound:8.4f}")
    print(f"names in stories: {first} nats at the first mention, {later} at later ones")
    seen = set()
    for row in rows:
        if row["kind"] not in seen or (row["kind"] == "stories" and args.samples > len(seen)):
            seen.add(row["kind"])
            opening = row["text"][:max(40, len(row["text"]) // 3)].rpartition(" ")[0]
            print(f"--- {row['kind']}\n{opening} [...]{continued(model, tokenizer, opening, 150)}")


if __name__ == "__main__":
    main()
