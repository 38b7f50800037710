#!/usr/bin/env python3
"""Write the files that a model is measured by, all of them held out, the same from the same seed.

  held_out.jsonl                  texts for perplexity: {"kind", "nats", "text"}, nats the exact bound
  multiple_choice/{dev,test}/     MMLU's layout: SUBJECT_{dev,test}.csv, question,A,B,C,D,letter
  word_problems.jsonl             GSM8K's layout: {"question", "answer"}, the answer ends in #### number
  conversations.json              ShareGPT's layout, two to six questions each
"""

import argparse
import csv
import json
import os
import random
import re
import sys

from generate import documents, held_out
from scope import Scope
from texts import chat, problems
from texts.choices import LETTERS, SUBJECTS
from texts.turns import messages
from weighted import Sampler

DEV, TEST = 5, 250          # questions of each subject
TEXTS, PROBLEMS, CONVERSATIONS = 500, 250, 200
ROLES = {"user": "human", "assistant": "gpt"}
OPTIONS = re.compile(r"(.*)\nA\. (.*)\nB\. (.*)\nC\. (.*)\nD\. (.*)\nAnswer: ([ABCD])", re.DOTALL)
TRIES = 1000000


def held_out_texts(seed, write):
    """Texts of one program with a held-out combination, none twice."""
    sampler, seen = Sampler(seed), set()
    for _ in range(TRIES):
        sampler.start()
        write(sampler)
        text = sampler.text()
        if text not in seen and any(map(held_out, sampler.marks)):
            seen.add(text)
            yield text
    sys.exit(f"fewer held-out texts than wanted in {TRIES}: ask for fewer")


def multiple_choice(seed, item):
    """Rows of the CSV, every letter equally often and no question twice."""
    rows, asked = [], set()
    for text in held_out_texts(seed, lambda writer: item(Scope(writer), sentences=True)):
        row = list(OPTIONS.fullmatch(text).groups())
        if row[-1] == LETTERS[len(rows) % len(LETTERS)] and row[0] not in asked:
            asked.add(row[0])
            rows.append(row)
            if len(rows) == DEV + TEST:
                random.Random(seed).shuffle(rows)
                return rows


def write_choices(folder, seed):
    for number, (subject, item) in enumerate(SUBJECTS):
        rows = multiple_choice(seed + number, item)
        for part, some in (("dev", rows[:DEV]), ("test", rows[DEV:])):
            os.makedirs(os.path.join(folder, part), exist_ok=True)
            with open(os.path.join(folder, part, f"{subject}_{part}.csv"), "w", newline="") as out:
                csv.writer(out, lineterminator="\n").writerows(some)


def word_problems(seed):
    for _, text in zip(range(PROBLEMS), held_out_texts(seed, problems.write)):
        question, _, answer = text.removeprefix("Question: ").partition("\nAnswer: ")
        yield {"question": question, "answer": answer}


def conversations(seed):
    """Those with two questions or more; ShareGPT has no system turns."""
    rows = []
    for text in held_out_texts(seed, chat.write):
        turns = [(role, words) for role, words in messages(text) if role in ROLES]
        if len(turns) >= 4:
            rows.append({"id": f"world_{len(rows)}", "conversations": [
                {"from": ROLES[role], "value": words} for role, words in turns]})
            if len(rows) == CONVERSATIONS:
                return rows


def perplexity_texts(seed):
    count = 0
    for row, marks in documents(seed, TRIES):
        if any(map(held_out, marks)):
            yield row
            count += 1
            if count == TEXTS:
                return


def write_lines(path, rows):
    with open(path, "w") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="a folder")
    parser.add_argument("--seed", type=int, default=100)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    write_lines(os.path.join(args.out, "held_out.jsonl"), perplexity_texts(args.seed))
    write_choices(os.path.join(args.out, "multiple_choice"), args.seed + 10)
    write_lines(os.path.join(args.out, "word_problems.jsonl"), word_problems(args.seed + 20))
    with open(os.path.join(args.out, "conversations.json"), "w") as out:
        json.dump(conversations(args.seed + 30), out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
