#!/usr/bin/env python3
"""Encoding speed of kilotoken beside Hugging Face tokenizers, on the same documents.

usage: compare.py PROGRAM DATA [ROUNDS]
PROGRAM is build/release/bench/encode_speed, DATA the folder of the real test data. The two take
turns, ROUNDS times (5); medians are printed, with the range of the ratios. One thread, then all
processors. HF runs encode_batch_fast, which leaves out the offsets that kilotoken does not compute
either.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOKENIZERS = [("phi-2 (GPT-2 BPE)", "tokenizers/hf/phi-2"), ("phi-3-mini (Llama-2)", "tokenizers/hf/phi-3-mini"),
              ("mistral v0.3", "tokenizers/mistral_v3/hf_v0.3"), ("clip", "tokenizers/hf/clip"),
              ("Llama-3 style", "tokenizers/made/llama3_style"), ("Qwen2 style", "tokenizers/made/qwen2_style"),
              ("Llama-2 style, Metaspace", "tokenizers/made/llama2_style_metaspace"),
              ("WordPiece", "tokenizers/made/bert_wordpiece_style"), ("Unigram", "tokenizers/made/unigram_simple")]
DOCUMENT_BYTES = 2000  # as in encode_speed.cpp
PASSES = 5


def make_text(data):
    """Verse, word problems with numbers, and code: about 2.5 MB."""
    text = (data / "eval/tinyshakespeare/input.txt").read_text()
    with open(data / "eval/gsm8k/train.jsonl") as lines:
        problems = [json.loads(line) for line in lines]
    for problem in problems[:2000]:
        text += problem["question"] + "\n" + problem["answer"] + "\n"
    return text


def documents_of(text):
    data, out = text.encode(), []
    while data:
        size = min(DOCUMENT_BYTES, len(data))
        if size < len(data):
            line = data.rfind(b"\n", 0, size)
            if line > DOCUMENT_BYTES // 2:
                size = line + 1
            while size > 1 and data[size] & 0xC0 == 0x80:
                size -= 1
        out.append(data[:size].decode())
        data = data[size:]
    return out


def measure_theirs(path, documents, size):
    """In this process, whose thread count RAYON_NUM_THREADS gives. (MB/s, tokens)"""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    times = []
    for _ in range(PASSES + 1):
        began = time.perf_counter()
        tokens = sum(len(e.ids) for e in tokenizer.encode_batch_fast(documents, add_special_tokens=False))
        times.append(time.perf_counter() - began)
    return size * 1e-6 / statistics.median(times[1:]), tokens


def run(command, **environment):
    out = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {out.stderr.strip()}")
    speed, tokens = out.stdout.split()
    return float(speed), int(tokens)


def main():
    if sys.argv[1] == "--theirs":
        text = Path(sys.argv[3]).read_text()
        print(*measure_theirs(sys.argv[2], documents_of(text), len(text.encode())))
        return
    program, data, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 5
    import tokenizers
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    print(f"encoding, MB/s, medians of {rounds} rounds; {cpu}; tokenizers {tokenizers.__version__}")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(make_text(data))
        file.flush()
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            print(f"\n{'threads ' + str(threads):28}{'kilotoken':>10}{'HF':>10}{'ratio':>8}   (lowest to highest)")
            for name, folder in TOKENIZERS:
                path, ours, theirs = data / folder / "tokenizer.json", [], []
                for _ in range(rounds):
                    ours.append(run([program, path, file.name, str(threads)]))
                    theirs.append(run([sys.executable, __file__, "--theirs", path, file.name],
                                      RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true"))
                ratios = [a[0] / b[0] for a, b in zip(ours, theirs)]
                a, b = statistics.median(x[0] for x in ours), statistics.median(x[0] for x in theirs)
                same = "" if ours[0][1] == theirs[0][1] else f"   {ours[0][1]} tokens, HF has {theirs[0][1]}"
                print(f"{name:28}{a:10.2f}{b:10.2f}{a / b:8.2f}   ({min(ratios):.2f} to {max(ratios):.2f}){same}", flush=True)


if __name__ == "__main__":
    main()
