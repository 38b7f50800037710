#!/usr/bin/env python3
"""A model's speed here, alone or beside llama.cpp on the same GGUF file, in turns: prefill of 512 tokens,
decode of one sequence and of 16. Of llama.cpp the better of flash attention on and off counts.

usage: race.py MODEL_SPEED MODEL [--peer DIR] [--repeat N] [--threads N] [other options of model_speed]
  MODEL_SPEED  the program built from model_speed.cpp
  --peer DIR   a system's root with llama-batched-bench in usr/bin ("/": this one's); needs root unless "/"
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

REGIMES = ("prefill 512", "batch 1", "batch 16")
DECODED = 32


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def ours(program, model, options):
    return json.loads(run([program, model, "--json", "--tokens", str(DECODED), *options]))


def peer(root, model, threads, flash):
    """Tokens a second by regime."""
    def bench(prompt, sequences):
        command = ["llama-batched-bench", "-m", model, "-t", str(threads), "-tb", str(threads),
                   "-c", "4096", "-b", "2048", "-ub", "512", "-fa", flash, "-npp", str(prompt),
                   "-ntg", str(DECODED), "-npl", str(sequences), "--output-format", "jsonl"]
        out = run(command if root == "/" else ["chroot", root, *command])
        return json.loads([line for line in out.splitlines() if line.startswith("{")][-1])
    one, batch = bench(512, 1), bench(64, 16)
    return dict(zip(REGIMES, (one["speed_pp"], one["speed_tg"], batch["speed_tg"])))


def into(root, model):
    """The model's path as the peer sees it, and whether it was put there for it."""
    if root == "/":
        return model, False
    name = "raced-" + os.path.basename(model)
    there = os.path.join(root, "tmp", name)
    try:
        os.link(model, there)
    except OSError:
        shutil.copyfile(model, there)
    return "/tmp/" + name, True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--peer")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args, options = parser.parse_known_args()
    options += ["--threads", str(args.threads)]
    print(run([args.program, args.model, *options]), end="", flush=True)
    if not args.peer:
        return
    if not os.path.isfile(args.model):
        sys.exit("beside a peer MODEL is a .gguf file that both read")
    seen, put_there = into(args.peer, os.path.abspath(args.model))
    sides = {"kilotoken": [], "llama.cpp, -fa off": [], "llama.cpp, -fa on": []}
    try:
        for _ in range(args.repeat):
            sides["kilotoken"].append(ours(args.program, args.model, options))
            for flash in ("off", "on"):
                sides[f"llama.cpp, -fa {flash}"].append(peer(args.peer, seen, args.threads, flash))
    finally:
        if put_there:
            os.remove(args.peer + seen)
    print(f"tokens a second, medians of {args.repeat} runs in turns (least to most)")
    for regime in REGIMES:
        medians = {}
        for side, runs in sides.items():
            values = sorted(each[regime] for each in runs)
            medians[side] = statistics.median(values)
            print(f"{regime:12} {side:20} {medians[side]:9.1f}  ({values[0]:.1f} to {values[-1]:.1f})")
        own = medians.pop("kilotoken")
        print(f"{regime:12} {own / max(medians.values()):.2f} times the better of llama.cpp")


if __name__ == "__main__":
    main()
