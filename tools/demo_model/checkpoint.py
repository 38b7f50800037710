"""Checkpoints of a training run, and snapshots of the weights alone."""

import os
import sys

import torch

from model import Model, Shape


def _load(path, what, need):
    if not os.path.exists(path):
        sys.exit(f"cannot {what}: no checkpoint at {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        sys.exit(f"cannot {what}: {path} is damaged or truncated ({os.path.getsize(path)} bytes): "
                 f"{type(error).__name__}")
    if not isinstance(state, dict) or not need <= set(state):
        sys.exit(f"cannot {what}: {path} is not a checkpoint of this program")
    return state


def read_checkpoint(path, shape, optimizer):
    """The state of a run to go on with; it must have this shape and this optimizer."""
    state = _load(path, "resume", {"model", "optimizer", "optimizer_name", "shape", "step", "tokens", "seconds"})
    different = [f"{k} {state['shape'].get(k)} instead of {v}"
                 for k, v in shape.as_dict().items() if state["shape"].get(k) != v]
    if different:
        sys.exit(f"cannot resume: {path} has another shape: {', '.join(different)}")
    if state["optimizer_name"] != optimizer:
        sys.exit(f"cannot resume: {path} was trained with {state['optimizer_name']}, not {optimizer}")
    return state


def write_checkpoint(path, state):
    """Replaces the file whole, so that a run killed at any time leaves a good one."""
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def write_weights(path, model, step, tokens):
    write_checkpoint(path, {"model": model.state_dict(), "shape": model.shape.as_dict(), "step": step,
                            "tokens": tokens})


def read_weights(path):
    """(model in evaluation mode, state) from a checkpoint or a snapshot of the weights."""
    state = _load(path, "read", {"model", "shape", "step", "tokens"})
    try:
        model = Model(Shape(**state["shape"])).eval()
        model.load_state_dict(state["model"])
    except Exception as error:
        sys.exit(f"cannot read: the weights in {path} do not fit its shape: {type(error).__name__}")
    return model, state
