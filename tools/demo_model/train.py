#!/usr/bin/env python3
"""Train the demo model, or its draft, on the generated text: for a number of tokens, or of minutes of wall time.

On a CPU two (--workers) processes of one thread each share a step. Nine steps in ten have rows of 512
tokens, the tenth of 2,048. The learning rate follows the tokens (or minutes) used: warm-up, a constant part,
then a linear way down to 0. A checkpoint is written every 5 minutes (--save-every); --resume goes on from it
with what is left. At the end weights.pt has the weights alone.

Matrix products are in bfloat16 where the CPU has instructions for them (--precision).

--sweep A,B,C trains with each of these rates for --sweep-tokens instead, and says how it went.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
import torch

from checkpoint import read_checkpoint, write_checkpoint, write_weights
from data import Rows, load, open_tokenizer, read
from measure import measure
from model import Model, Shape
from muon import Muon
from team import Alone, Team

SHAPES = {
    "demo": {},
    "draft": {"hidden_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
              "intermediate_size": 256},
}
SHORT, LONG, LONG_EVERY = 512, 2048, 10
MEASURED = 80   # held-out texts at each checkpoint


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder with train.jsonl and held_out.jsonl")
    p.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    p.add_argument("--out", required=True, help="folder for checkpoint.pt, weights.pt and log.jsonl")
    p.add_argument("--model", choices=sorted(SHAPES), default="demo")
    p.add_argument("--minutes", type=float, default=110)
    p.add_argument("--tokens", type=float, help="train for so many million tokens, however long it takes")
    p.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="of matrix products")
    p.add_argument("--resume", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cpu", help="cpu, or cuda where there is one")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--batch", type=int, default=4096, help="tokens a step")
    p.add_argument("--part", type=int, default=1024, help="tokens of a step that one worker takes at a time")
    p.add_argument("--save-every", type=float, default=5, help="minutes between checkpoints")
    p.add_argument("--optimizer", choices=("muon", "adamw"), default="muon", help="for the weight matrices")
    p.add_argument("--lr", type=float, default=0.015, help="of the weight matrices")
    p.add_argument("--embedding-lr", type=float, default=3e-3, help="of the embeddings and norms")
    p.add_argument("--embedding-std", type=float, default=0.1)
    p.add_argument("--warmup", type=int, default=20, help="steps")
    p.add_argument("--decay-from", type=float, default=0.5, help="share of the time after which the rate falls")
    p.add_argument("--sweep", help="rates to try first, with commas between them")
    p.add_argument("--sweep-tokens", type=float, default=1, help="million tokens for each of them")
    args = p.parse_args()
    if not 0 <= args.decay_from < 1:
        sys.exit(f"--decay-from must be at least 0 and below 1, not {args.decay_from}")
    if args.batch % LONG or args.part % SHORT or args.batch % args.part:
        sys.exit(f"--batch {args.batch} must be a multiple of {LONG} and of --part {args.part}, "
                 f"and that of {SHORT}")
    if args.workers < 1 or args.minutes <= 0 or args.save_every <= 0 or (args.tokens or 1) <= 0:
        sys.exit("--workers, --minutes, --tokens and --save-every must be above 0")
    if args.precision == "auto":
        args.precision = "bfloat16" if args.device != "cpu" or has_bfloat16() else "float32"
    return args


def has_bfloat16():
    """Whether this CPU multiplies bfloat16 matrices with instructions of its own."""
    with open("/proc/cpuinfo") as cpu:
        flags = next((line for line in cpu if line.startswith("flags")), "").split()
    return "amx_bf16" in flags or "avx512_bf16" in flags


def sweep(args):
    """The same training with other rates, each as a run of its own."""
    results = []
    for rate in args.sweep.split(","):
        out = os.path.join(args.out, "rate-" + rate)
        command = [sys.executable, os.path.abspath(__file__), "--out", out, "--lr", rate,
                   "--tokens", str(args.sweep_tokens)]
        for name in ("data", "tokenizer", "model", "seed", "device", "workers", "batch", "part", "optimizer",
                     "embedding_lr", "embedding_std", "warmup", "decay_from", "precision"):
            command += ["--" + name.replace("_", "-"), str(getattr(args, name))]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"the run with rate {rate} failed")
        with open(os.path.join(out, "log.jsonl")) as log:
            last = json.loads(log.readlines()[-1])
        results.append(f"rate {rate}: {last['tokens']} tokens, held-out loss {last['loss']} (bound {last['bound']}), "
                       f"names {last['names']}")
    print("\n".join(results))


def optimizers_of(args, model):
    named = list(model.named_parameters())
    matrices = [p for n, p in named if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in named if p.dim() != 2 or "embed" in n]
    betas = (0.9, 0.95)
    first = Muon(matrices, lr=args.lr) if args.optimizer == "muon" else torch.optim.AdamW(
        matrices, lr=args.lr, betas=betas, weight_decay=0.1)
    return [first, torch.optim.AdamW(others, lr=args.embedding_lr, betas=betas, weight_decay=0.0)]


class Run:
    """One training: what a checkpoint holds, and how it goes on."""

    def __init__(self, args):
        self.args = args
        self.path = os.path.join(args.out, "checkpoint.pt")
        self.tokenizer = open_tokenizer(os.path.join(args.tokenizer, "tokenizer.json"))
        shape = Shape(**SHAPES[args.model])
        state = read_checkpoint(self.path, shape, args.optimizer) if args.resume else None
        if state and self.used(state["tokens"], state["seconds"]) >= 1:
            sys.exit(f"nothing left to do: the checkpoint has {state['tokens'] / 1e6:.2f} million tokens of "
                     f"{state['seconds'] / 60:.1f} minutes, asked for are "
                     + (f"--tokens {args.tokens}" if args.tokens else f"--minutes {args.minutes}"))
        self.held = read(os.path.join(args.data, "held_out.jsonl"), MEASURED)
        self.ids, self.offsets = load(os.path.join(args.data, "train.jsonl"), self.tokenizer)
        self.model = Model(shape, args.embedding_std).to(args.device)
        self.step, self.tokens, self.before = 0, 0, 0.0
        self.optimizers = optimizers_of(args, self.model)
        if state:
            self.restore(state)
        bfloat16 = args.precision == "bfloat16"
        if args.device != "cpu":
            self.team = Alone(self.model, args.batch, bfloat16, self.update)
        else:
            if args.optimizer == "muon":
                self.optimizers[0].share_memory()
            self.team = Team(self.model, args.workers, args.batch, args.part, bfloat16, self.update)
        print(f"{self.model.parameter_count()} parameters, {len(self.ids)} training tokens, {args.precision}, "
              f"step {self.step}", flush=True)

    def used(self, tokens, seconds):
        """The share of the training that is over, from 0 to 1."""
        args = self.args
        return tokens / (args.tokens * 1e6) if args.tokens else seconds / (args.minutes * 60)

    def restore(self, state):
        try:
            self.model.load_state_dict(state["model"])
            for optimizer, saved in zip(self.optimizers, state["optimizer"]):
                optimizer.load_state_dict(saved)
        except Exception as error:
            sys.exit(f"cannot resume: {self.path} does not fit this model: {type(error).__name__}")
        self.step, self.tokens, self.before = state["step"], state["tokens"], state["seconds"]

    def save(self, seconds):
        write_checkpoint(self.path, {
            "model": self.model.state_dict(), "optimizer": [o.state_dict() for o in self.optimizers],
            "optimizer_name": self.args.optimizer, "shape": self.model.shape.as_dict(), "step": self.step,
            "tokens": self.tokens, "seconds": seconds})
        result = measure(self.model, self.tokenizer, self.held)
        loss, bound = result.pop("all")
        with open(os.path.join(self.args.out, "log.jsonl"), "a") as log:
            log.write(json.dumps({"minutes": round(seconds / 60, 1), "step": self.step, "tokens": self.tokens,
                                  "loss": loss, "bound": bound, **result}) + "\n")
        print(f"checkpoint at {seconds / 60:.1f} minutes, step {self.step}, {self.tokens} tokens, held-out loss "
              f"{loss} (bound {bound}), names {result['names']}", flush=True)

    def update(self, rank, size, rate):
        """What one of size workers does when a step's gradient is there: its share of the matrices if the
        optimizer can be shared; the first does the rest."""
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, peak in zip(self.optimizers, (self.args.lr, self.args.embedding_lr)):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate
            if isinstance(optimizer, Muon):
                with torch.autocast(self.args.device, torch.bfloat16, enabled=self.args.precision == "bfloat16"):
                    optimizer.step(rank, size)
            elif rank == 0:
                optimizer.step()

    def advance(self, used):
        """One step; used is the share of the training. Returns (loss, rate)."""
        rate = min(1.0, (self.step + 1) / self.args.warmup, (1 - used) / (1 - self.args.decay_from))
        loss = self.team.step(LONG if self.step % LONG_EVERY == LONG_EVERY - 1 else SHORT, rate)
        if not np.isfinite(loss):
            sys.exit(f"the loss is not finite at step {self.step}; lower --lr")
        self.step += 1
        self.tokens += self.args.batch
        return loss, rate

    def train(self):
        args = self.args
        self.team.start(lambda rank: Rows(self.ids, self.offsets, [args.seed, self.step, rank]))
        start = saved = shown = time.monotonic()
        total, count, shown_tokens = 0.0, 0, self.tokens
        while (used := self.used(self.tokens, seconds := self.before + time.monotonic() - start)) < 1:
            loss, rate = self.advance(used)
            total, count = total + loss, count + 1
            now = time.monotonic()
            if now - shown >= 20:
                print(f"{seconds / 60:6.1f} min  step {self.step}  tokens {self.tokens}  loss {total / count:.4f}  "
                      f"rate {rate:.3f}  {(self.tokens - shown_tokens) / (now - shown):.0f} tokens/s", flush=True)
                total, count, shown, shown_tokens = 0.0, 0, now, self.tokens
            if now - saved >= args.save_every * 60:
                saved = now
                self.save(seconds)
        self.team.stop()
        self.save(self.before + time.monotonic() - start)
        write_weights(os.path.join(args.out, "weights.pt"), self.model, self.step, self.tokens)


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    if args.sweep:
        sweep(args)
        return
    if args.device == "cpu":
        torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    Run(args).train()


if __name__ == "__main__":
    main()
