#!/usr/bin/env python3
"""Train the model on the generated text for a number of minutes of wall time, on a CPU.

Two (--workers) processes of one thread each share the small batches of a step, so that a busy
machine slows training down no more than it must. A checkpoint is written every 5 minutes (--save-every);
--resume goes on from it with the time that is left.
The learning rate follows the time used: warm-up, a constant part, then a linear way down to 0.
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import sys
import time

import numpy as np
import torch

from data import Rows, load
from model import Model, Shape
from muon import Muon


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder with train.jsonl and held_out.jsonl")
    p.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    p.add_argument("--out", required=True, help="folder for checkpoint.pt and log.jsonl")
    p.add_argument("--minutes", type=float, default=55)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--batch", type=int, default=4096, help="tokens a step")
    p.add_argument("--part", type=int, default=512, help="tokens of a step that one worker takes at a time")
    p.add_argument("--length", type=int, default=256, help="tokens a row")
    p.add_argument("--long-length", type=int, default=512, help="tokens a row in the last part")
    p.add_argument("--long-share", type=float, default=0.1, help="share of the time with long rows")
    p.add_argument("--save-every", type=float, default=5, help="minutes between checkpoints")
    p.add_argument("--lr", type=float, default=0.02, help="of the weight matrices")
    p.add_argument("--embedding-lr", type=float, default=3e-3, help="of the embeddings and norms")
    p.add_argument("--warmup", type=int, default=60, help="steps")
    p.add_argument("--decay-from", type=float, default=0.4, help="share of the time after which the rate falls")
    p.add_argument("--hidden", type=int, default=128)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--kv-heads", type=int, default=2)
    p.add_argument("--head-dim", type=int, default=32)
    p.add_argument("--ffn", type=int, default=256)
    return p.parse_args()


def read_checkpoint(path, shape):
    if not os.path.exists(path):
        sys.exit(f"cannot resume: no checkpoint at {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        sys.exit(f"cannot resume: {path} is damaged or truncated ({os.path.getsize(path)} bytes): {type(error).__name__}")
    need = {"model", "optimizer", "shape", "step", "tokens", "seconds"}
    if not isinstance(state, dict) or not need <= set(state):
        sys.exit(f"cannot resume: {path} is not a checkpoint of this program")
    different = [f"{k} {state['shape'].get(k)} instead of {v}" for k, v in shape.as_dict().items() if state["shape"].get(k) != v]
    if different:
        sys.exit(f"cannot resume: {path} has another shape: {', '.join(different)}")
    return state


def write_checkpoint(path, model, optimizers, step, tokens, seconds):
    torch.save({"model": model.state_dict(), "optimizer": [o.state_dict() for o in optimizers], "shape": model.shape.as_dict(),
                "step": step, "tokens": tokens, "seconds": seconds}, path + ".new")
    os.replace(path + ".new", path)


def held_out_loss(model, rows):
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for at in range(0, len(rows), 16):
            part = torch.from_numpy(rows[at:at + 16])
            total += model(part[:, :-1], part[:, 1:]).item() * len(part)
    model.train()
    return total / len(rows)


class Team:
    """What the workers of a run share: the weights, one gradient each, and the plan of the step."""

    def __init__(self, model, workers):
        context = multiprocessing.get_context("fork")
        self.size = workers
        model.share_memory()
        self.gradients = torch.zeros(workers, model.parameter_count()).share_memory_()
        self.barrier = context.Barrier(workers)
        self.lock = context.Lock()
        self.taken = context.Value(ctypes.c_long, 0, lock=False)
        self.length = context.Value(ctypes.c_long, 0, lock=False)
        self.running = context.Value(ctypes.c_bool, True, lock=False)
        self.losses = context.Array(ctypes.c_double, workers, lock=False)
        self.context = context

    def take(self):
        with self.lock:
            self.taken.value += 1
            return self.taken.value

    def compute(self, rank, model, rows, batch, part):
        """This worker's share of one step: its gradient goes to the shared buffer."""
        length = self.length.value
        parts = batch // part if part >= length else batch // length
        total = 0.0
        for p in model.parameters():
            p.grad = None
        while self.take() <= parts:
            ids = torch.from_numpy(rows.batch(max(1, part // length), length))
            loss = model(ids[:, :-1], ids[:, 1:]) / parts
            loss.backward()
            total += loss.item()
        flat = [(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in model.parameters()]
        self.gradients[rank] = torch.cat(flat)
        self.losses[rank] = total
        self.barrier.wait()

    def help(self, rank, model, rows, batch, part):
        torch.set_num_threads(1)
        while True:
            self.barrier.wait()
            if not self.running.value:
                return
            self.compute(rank, model, rows, batch, part)


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    if not 0 <= args.decay_from < 1:
        sys.exit(f"--decay-from must be at least 0 and below 1, not {args.decay_from}")
    if args.batch % args.part or args.part % args.length:
        sys.exit(f"--batch {args.batch} must be a multiple of --part {args.part}, and that of --length {args.length}")
    os.makedirs(args.out, exist_ok=True)
    checkpoint, log_path = os.path.join(args.out, "checkpoint.pt"), os.path.join(args.out, "log.jsonl")
    tokenizer = os.path.join(args.tokenizer, "tokenizer.json")
    shape = Shape(hidden_size=args.hidden, num_hidden_layers=args.layers, num_attention_heads=args.heads,
                  num_key_value_heads=args.kv_heads, head_dim=args.head_dim, intermediate_size=args.ffn)
    state = read_checkpoint(checkpoint, shape) if args.resume else None
    if state and state["seconds"] >= args.minutes * 60:
        sys.exit(f"nothing left to do: the checkpoint has {state['seconds'] / 60:.1f} minutes, --minutes is {args.minutes}")

    ids, offsets, _ = load(os.path.join(args.data, "train.jsonl"), tokenizer)
    held_ids, held_offsets, _ = load(os.path.join(args.data, "held_out.jsonl"), tokenizer, limit=400)
    held_rows = Rows(held_ids, held_offsets, 7).batch(48, args.length)
    model = Model(shape)
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    optimizers = [Muon(matrices, lr=args.lr),
                  torch.optim.AdamW(others, lr=args.embedding_lr, betas=(0.9, 0.95), weight_decay=0.0)]
    peaks = [args.lr, args.embedding_lr]
    step, tokens, before = 0, 0, 0.0
    if state:
        try:
            model.load_state_dict(state["model"])
            for optimizer, saved_state in zip(optimizers, state["optimizer"]):
                optimizer.load_state_dict(saved_state)
        except Exception as error:
            sys.exit(f"cannot resume: {checkpoint} does not fit this model: {type(error).__name__}")
        step, tokens, before = state["step"], state["tokens"], state["seconds"]
    print(f"{model.parameter_count()} parameters, {len(ids)} training tokens, step {step}", flush=True)
    team = Team(model, args.workers)
    for rank in range(1, args.workers):
        rows = Rows(ids, offsets, [args.seed, step, rank])
        team.context.Process(target=team.help, args=(rank, model, rows, args.batch, args.part), daemon=True).start()
    rows = Rows(ids, offsets, [args.seed, step, 0])

    start = time.monotonic()
    saved = shown = start
    running, count, shown_tokens = 0.0, 0, tokens
    limit = args.minutes * 60

    def save(seconds):
        write_checkpoint(checkpoint, model, optimizers, step, tokens, seconds)
        held = held_out_loss(model, held_rows)
        with open(log_path, "a") as log:
            log.write(json.dumps({"minutes": round(seconds / 60, 1), "step": step, "tokens": tokens,
                                  "held_out_loss": round(held, 4)}) + "\n")
        print(f"checkpoint at {seconds / 60:.1f} minutes, step {step}, {tokens} tokens, held-out loss {held:.4f}", flush=True)

    while True:
        seconds = before + time.monotonic() - start
        if seconds >= limit:
            break
        used = seconds / limit
        team.length.value = args.long_length if used > 1 - args.long_share else args.length
        team.taken.value = 0
        factor = min(1.0, (step + 1) / args.warmup, (1 - used) / (1 - args.decay_from))
        for optimizer, peak in zip(optimizers, peaks):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
        team.barrier.wait()
        team.compute(0, model, rows, args.batch, args.part)
        gradient = team.gradients.sum(0)
        at = 0
        for p in model.parameters():
            p.grad = gradient[at:at + p.numel()].view_as(p)
            at += p.numel()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        tokens += args.batch
        running, count = running + sum(team.losses), count + 1
        if not np.isfinite(running):
            sys.exit(f"the loss is not finite at step {step}; lower --lr")
        now = time.monotonic()
        if now - shown >= 20:
            print(f"{seconds / 60:6.1f} min  step {step}  tokens {tokens}  loss {running / count:.4f}  rate {factor:.3f}  "
                  f"{(tokens - shown_tokens) / (now - shown):.0f} tokens/s", flush=True)
            running, count, shown, shown_tokens = 0.0, 0, now, tokens
        if now - saved >= args.save_every * 60:
            saved = now
            save(seconds)
    save(before + time.monotonic() - start)
    team.running.value = False
    team.barrier.wait()


if __name__ == "__main__":
    main()
