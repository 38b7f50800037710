#!/usr/bin/env python3
"""Measure an exported folder on held-out documents and write its model card, README.md."""

import argparse
import json
import math
import os

import torch

from data import EOS, load, render
from generate import SMALL_KINDS
from tokenizers import Tokenizer

CARD = """# The demo model

A Llama-shaped language model of {parameters:,} parameters ({size:,} bytes of BF16 weights) that tells little
stories. It is there so that a first command works with no download. It was trained from nothing on text
made by a program of this project; there is no other text in it. Licence: Apache-2.0, as the project.

## Shape

| | |
|---|---|
| hidden size | {hidden_size} |
| layers | {num_hidden_layers} |
| heads x size | {num_attention_heads} x {head_dim}, {num_key_value_heads} for keys and values |
| feed-forward size | {intermediate_size} |
| vocabulary | {vocab_size}, byte-fallback BPE, tied embeddings |
| context | {max_position_embeddings} positions run; trained at 256 |

## Data and training

Seeded text of a small world (`tools/demo_model/`), in two parts. First the whole world: 72 % stories, 18 %
conversations, 10 % questions about a passage, with two dozen names. Then its small cast: 80 % stories, 20 %
conversations, always with Lily and her friend Tom and one thing for each plot ({documents:,} training documents with
{train_tokens:,} tokens). Documents are held out by combination (names, kinds, place, thing), the same ones in both
parts: {held_combinations}

{steps:,} steps, {tokens:,} tokens in all, {minutes:.0f} minutes on {cpu}, 2 threads, other programs running
beside it. Muon for the matrices, AdamW for embeddings and norms; 4,096 tokens a step at a constant rate in the
first part, 2,048 tokens a step and a falling rate in the second.

| minutes | step | tokens | held-out loss, packed rows | text |
|---|---|---|---|---|
{curve}

## Measured

On {measured} held-out documents, one by one, {measured_tokens:,} tokens, BF16 weights in float32 arithmetic:

| | nats per token |
|---|---|
| loss of the model | {loss:.4f} |
| information in the generator's choices | {bound:.4f} |

The second figure is an upper estimate of the best possible loss, not a bound to reach: some choices do not show
in the text (the helper's trait where "hungry" stands in its place), two sets of choices can give one text, and
held-out combinations are not drawn like the rest.

## Three held-out openings, the first in the file, none chosen, temperature 0

{samples}

## Limits

- It knows nothing but its small world, and English only of this simple kind. Off that path it writes nonsense.
- It does not carry names over from the context: the hero is Lily and her friend is Tom, whatever the prompt
  says. It was trained on too few tokens to learn more; that is why it has so small a cast.
- Ten plots: stories repeat.
- One story is fine; conversations beyond about 250 tokens are outside what it was trained on.
- No arithmetic, no facts, no tool calls, no JSON.
- It is too easy a text to judge quantisation or speculative decoding by: most tokens are nearly certain.
"""


def per_document(model, ids, offsets):
    total, count = 0.0, 0
    for a, b in zip(offsets, offsets[1:]):
        row = torch.from_numpy(ids[a:b].astype("int64"))[None]
        logs = model(row[:, :-1]).logits[0].log_softmax(-1)
        total -= float(logs.gather(1, row[0, 1:, None]).sum())
        count += b - a - 1
    return total, count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", required=True, help="folder with checkpoint.pt and log.jsonl")
    parser.add_argument("--cpu", required=True)
    parser.add_argument("--documents", type=int, default=400)
    args = parser.parse_args()
    torch.set_num_threads(1)
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32).eval()
    tokenizer_path = os.path.join(args.folder, "tokenizer.json")
    tokenizer = Tokenizer.from_file(tokenizer_path)
    held_path = os.path.join(args.data, "held_out.jsonl")
    with open(held_path) as f:
        held = [json.loads(line) for line in f]
    first = held[:args.documents]
    shares = {m.__name__.split(".")[-1]: s for m, s in SMALL_KINDS}
    bound = sum(r["nats"] - math.log(shares[r["kind"]]) for r in first)
    ids, offsets, _ = load(held_path, tokenizer_path, limit=args.documents)
    train_ids, train_offsets, _ = load(os.path.join(args.data, "train.jsonl"), tokenizer_path)
    samples = []
    with torch.inference_mode():
        loss, count = per_document(model, ids, offsets)
        for row in [r for r in held if r["kind"] == "stories"][:3]:
            opening = ". ".join(render(row).split(". ")[:2]) + "."
            out = tokenizer.encode(opening).ids
            given = len(out)
            while len(out) - given < 160:
                out.append(int(model(torch.tensor([out])).logits[0, -1].argmax()))
                if out[-1] == EOS:
                    break
            text = tokenizer.decode(out, skip_special_tokens=True)
            samples.append(f"> **{opening}**{text[len(opening):]}")
    with open(os.path.join(args.run, "log.jsonl")) as f:
        curve = [json.loads(line) for line in f]
    last = curve[-1]
    with open(os.path.join(args.folder, "config.json")) as f:
        config = json.load(f)
    card = CARD.format(
        parameters=sum(p.numel() for p in model.parameters()),
        size=os.path.getsize(os.path.join(args.folder, "model.safetensors")),
        documents=len(train_offsets) - 1, train_tokens=len(train_ids),
        held_combinations=f"{len(held):,} documents, whose combinations are in no training document.",
        steps=last["step"], tokens=last["tokens"], minutes=last["minutes"], cpu=args.cpu,
        curve="\n".join(f"| {r['minutes']} | {r['step']} | {r['tokens']:,} | {r['held_out_loss']} | {r.get('text', '')} |" for r in curve),
        measured=len(first), measured_tokens=count, loss=loss / count, bound=bound / count,
        samples="\n\n".join(samples), **config)
    path = os.path.join(args.folder, "README.md")
    with open(path + ".new", "w") as f:
        f.write(card)
    os.replace(path + ".new", path)
    print(f"held-out loss {loss / count:.4f}, choices {bound / count:.4f}, {count} tokens")


if __name__ == "__main__":
    main()
