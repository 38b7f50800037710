#!/usr/bin/env python3
"""Write the model card, README.md, of a model's folder: what is in it is measured by the programs of this tree
from the weights in the folder, and read from the training's log. Needs no torch.

The exit code is 1 if the yardstick found a bound broken; the card is written all the same, and says so.
"""

import argparse
import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile

from inflect import article
from lexicon import CLASSES

OPENINGS, STORY_TOKENS, ANSWER_TOKENS = 10, 150, 400
CONVERSATIONS, SEED, USUAL = 20, 1, 40   # words of each class

CARD = """# The demo model

A Llama-shaped language model of {parameters:,} parameters that knows a small world made for it: its stories,
its facts, sums, lists, JSON and tool calls. It is there so that a first command works with no download, and as
a yardstick: the least loss that any model can reach on its text is known exactly. It was trained from nothing
on text made by a program of this project; there is no other text in it. Licence: Apache-2.0, as the project.

## Shape

| | the model | its draft |
|---|---|---|
{shape}

The vocabulary is byte-fallback BPE; embeddings are tied. Some channels are outliers, as in large models: they
are 20 to 30 times larger in the norms' weights and smaller in the matrices behind them, which
computes the same (`tools/demo_model/outliers.py`).

## Training

{steps:,} steps, {tokens:,} tokens, {minutes:.0f} minutes on {hardware}; trained on rows of 512 tokens and, every
tenth step, 2,048. What the text is and how it is held out is said in `tools/demo_model/README.md`.

| minutes | step | tokens | held-out loss | bound | nats of a name, first and later mentions |
|---|---|---|---|---|---|
{curve}
{draft}
## Measured

What `./dev test yardstick` printed for these weights. The least possible loss is the information in the texts;
formats are float32 weights rounded as the format would, and INT8 rounds activations too; a draft's guess is
accepted if it is the token that the model itself draws there. Multiple choice has 250 questions of each subject,
with no shots. By continuation (lm-evaluation-harness's `mmlu_continuation`) the answer is the likeliest option after
the question, which is asked without options; each is a sentence as the training text says it. By letter (its `mmlu`)
the options are listed before "Answer:", and the answer is the likeliest of A, B, C and D.

{yardstick}

Held-out loss by kind of text, nats a token:

| kind | texts | loss | least | above it |
|---|---|---|---|---|
{kinds}

## The first {openings} held-out stories, none chosen, temperature 0, {story_tokens} tokens at most

{stories}

## Conversations of six turns, temperature 0

About the user, a story of the model's own, and back to what was said before it: {conversations} conversations with
names, foods and animals drawn at random (`make_card.py`, seed {seed}). {whole} had every answer right.

| question | right |
|---|---|
{recalled}

The first of those with every answer right:

{conversation}

## Limits

It knows nothing but its small world, and English only of this simple kind. Off that path it writes nonsense.
Its yardstick above says how far it is from knowing even that.
"""


def read_json(*path):
    with open(os.path.join(*path)) as f:
        return json.load(f)


def read_lines(*path):
    with open(os.path.join(*path)) as f:
        return [json.loads(line) for line in f]


def parameter_count(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__")


def shape_rows(folder):
    parts = [os.path.join(folder, part) for part in ("", "draft")]
    configs = [read_json(part, "config.json") for part in parts]
    rows = [("parameters", [f"{parameter_count(part):,}" for part in parts])]
    rows += [(words, [c[key] for c in configs]) for words, key in (
        ("hidden size", "hidden_size"), ("layers", "num_hidden_layers"), ("feed-forward size", "intermediate_size"),
        ("vocabulary", "vocab_size"), ("context, positions", "max_position_embeddings"))]
    rows.insert(3, ("heads x size", [f"{c['num_attention_heads']} x {c['head_dim']}, {c['num_key_value_heads']} "
                                     "for keys and values" for c in configs]))
    return "\n".join(f"| {words} | {a} | {b} |" for words, (a, b) in rows)


class Programs:
    def __init__(self, args):
        self.folder, self.kilotoken, self.yardstick = args.folder, args.kilotoken, args.yardstick

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command[:3])} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def continued(self, prompt, tokens):
        return self.run(self.kilotoken, "generate", self.folder, "--temperature", "0", "--max-tokens", str(tokens),
                        "--prompt", prompt).removesuffix("\n")

    def measured(self):
        """(what the yardstick printed, whether all bounds held)"""
        done = subprocess.run([self.yardstick, self.folder], capture_output=True, text=True, check=False)
        head, empty, table = done.stdout.partition("\n\n")
        if not empty or not table.startswith("|"):
            sys.exit(f"the yardstick could not measure: {(done.stderr or done.stdout).strip()}")
        texts = head.partition(": ")[2]
        return f"On {texts}.\n\n{table.strip()}", done.returncode == 0

    def kinds(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "out.json")
            self.run(self.kilotoken, "eval", self.folder, "--task", "perplexity", "--output-path", path)
            out = read_json(path)
        for task, found in out["results"].items():
            numbers = [f"{found[f'nats_per_token{which},none']:.4f}" for which in ("", "_bound", "_above_bound")]
            kind = task.partition("perplexity")[2].strip("_") or "all"
            yield f"| {kind} | {out['n-samples'][task]['effective']} | " + " | ".join(numbers) + " |"


def stories(programs, rows):
    for row in [r for r in rows if r["kind"] == "stories"][:OPENINGS]:
        opening = ". ".join(row["text"].split(". ")[:2]) + "."
        said = programs.continued(opening, STORY_TOKENS).replace("\n", "\n> ")
        yield f"> **{opening}**{said}"


class Conversation:
    """Six questions with the model's own answers; the last three have one right answer each."""

    def __init__(self, programs, user, hero, food, kind):
        asked = (f"My name is {user}.", f"I like {food}.", f"Tell me about {article(kind)} named {hero}.",
                 f"What animal is {hero}?", "What do I like to eat?", "What is my name?")
        prompt, self.turns = "", []
        for question in asked:
            prompt += f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
            answer = programs.continued(prompt, ANSWER_TOKENS)
            prompt += f"{answer}<|im_end|>\n"
            self.turns.append((question, answer))
        right = (f"{hero} is {article(kind)}.", f"You like {food}.", f"Your name is {user}.")
        self.right = [answer == wanted for (_, answer), wanted in zip(self.turns[3:], right)]

    def text(self):
        lines = [line for question, answer in self.turns
                 for line in (f"> **user:** {question}", f"> **assistant:** {answer}")]
        return "\n>\n".join(line.replace("\n", "\n> ") for line in lines)


def conversations(programs):
    draw = random.Random(SEED)
    for _ in range(CONVERSATIONS):
        user, hero = draw.sample(CLASSES["name"][:USUAL], 2)
        yield Conversation(programs, user, hero, draw.choice(CLASSES["food"][:USUAL]),
                           draw.choice(CLASSES["animal"][:USUAL]))


def conversation_fields(programs):
    talks = list(conversations(programs))
    whole = [talk for talk in talks if all(talk.right)]
    questions = ("What animal is (the story's hero)?", "What do I like to eat?", "What is my name?")
    recalled = [f"| {question} | {sum(talk.right[i] for talk in talks)} of {CONVERSATIONS} |"
                for i, question in enumerate(questions)]
    return {"conversations": CONVERSATIONS, "seed": SEED, "whole": len(whole), "recalled": "\n".join(recalled),
            "conversation": whole[0].text() if whole else "(none)"}


def draft_sentence(run):
    if not run:
        return ""
    last = read_lines(run, "log.jsonl")[-1]
    return (f"\nThe draft: {last['step']:,} steps, {last['tokens']:,} tokens, {last['minutes']:.0f} minutes, held-out "
            f"loss {last['loss']} on the same texts.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="the model's, with draft/ and data/ in it")
    parser.add_argument("--run", required=True, help="folder with the training's log.jsonl")
    parser.add_argument("--draft-run", help="the same of the draft's")
    parser.add_argument("--hardware", required=True, help="what it was trained on, in words")
    parser.add_argument("--kilotoken", default="../../build/release/kilotoken")
    parser.add_argument("--yardstick", default="../../build/release/tests/yardstick/kt_yardstick")
    args = parser.parse_args()
    programs = Programs(args)
    curve = read_lines(args.run, "log.jsonl")
    table, held = programs.measured()
    card = CARD.format(
        parameters=parameter_count(args.folder), shape=shape_rows(args.folder),
        steps=curve[-1]["step"], tokens=curve[-1]["tokens"], minutes=curve[-1]["minutes"], hardware=args.hardware,
        curve="\n".join(f"| {r['minutes']} | {r['step']:,} | {r['tokens']:,} | {r['loss']} | {r['bound']} "
                        f"| {r['names'][0]}, {r['names'][1]} |" for r in curve),
        draft=draft_sentence(args.draft_run), yardstick=table, kinds="\n".join(programs.kinds()),
        openings=OPENINGS, story_tokens=STORY_TOKENS,
        stories="\n\n".join(stories(programs, read_lines(args.folder, "data", "held_out.jsonl"))),
        **conversation_fields(programs))
    path = os.path.join(args.folder, "README.md")
    with open(path + ".new", "w") as out:
        out.write(card)
    os.replace(path + ".new", path)
    print(f"wrote {path}")
    if not held:
        sys.exit("the yardstick found a bound broken: see FAILED in the card")


if __name__ == "__main__":
    main()
