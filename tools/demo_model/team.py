"""Processes of one thread each that share the rows of a step: a busy machine then slows training no more
than it must, which threads that wait for each other at every operation do not achieve."""

import ctypes
import multiprocessing
import signal

import torch

PR_SET_PDEATHSIG = 1


def gradients_of(model, rows, parts, size, length, bfloat16):
    """Adds up the gradient over parts() parts of about size tokens; returns its share of the mean loss."""
    total, device = 0.0, next(model.parameters()).device
    for p in model.parameters():
        p.grad = None
    for share in parts():
        ids = torch.from_numpy(rows.batch(max(1, size // length), length)).to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
            loss = model(ids[:, :-1], ids[:, 1:]) * share
        loss.backward()
        total += loss.item()
    return total


class Team:
    """What the workers of a run share: the weights, one gradient each, and the plan of the step.

    update(rank, size, rate) changes a worker's share of the weights by their gradients.
    """

    def __init__(self, model, workers, batch, part, bfloat16, update):
        context = multiprocessing.get_context("fork")
        self.model, self.size, self.batch, self.part = model, workers, batch, part
        self.bfloat16, self.update = bfloat16, update
        model.share_memory()
        self.gradients = torch.zeros(workers, model.parameter_count()).share_memory_()
        self.barrier = context.Barrier(workers)
        self.lock = context.Lock()
        self.taken = context.Value(ctypes.c_long, 0, lock=False)
        self.length = context.Value(ctypes.c_long, 0, lock=False)
        self.rate = context.Value(ctypes.c_double, 0, lock=False)
        self.running = context.Value(ctypes.c_bool, True, lock=False)
        self.losses = context.Array(ctypes.c_double, workers, lock=False)
        self.context = context

    def start(self, rows_of):
        """rows_of(rank) gives each worker rows of its own."""
        for rank in range(1, self.size):
            self.context.Process(target=self._help, args=(rank, rows_of(rank)), daemon=True).start()
        self.rows = rows_of(0)

    def _parts(self):
        """The shares that this worker takes of a step, until none is left."""
        size = max(self.part, self.length.value)
        count = max(1, self.batch // size)
        while True:
            with self.lock:
                self.taken.value += 1
                if self.taken.value > count:
                    return
            yield 1.0 / count

    def _work(self, rank, rows):
        length = self.length.value
        self.losses[rank] = gradients_of(self.model, rows, self._parts, max(self.part, length), length,
                                         self.bfloat16)
        self.gradients[rank] = torch.cat([
            (p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in self.model.parameters()])
        self.barrier.wait()
        gradient, at = self.gradients.sum(0), 0
        for p in self.model.parameters():
            p.grad = gradient[at:at + p.numel()].view_as(p)
            at += p.numel()
        self.update(rank, self.size, self.rate.value)
        self.barrier.wait()

    def _help(self, rank, rows):
        # Linux: a worker ends with the run, even one that is killed, instead of waiting for ever
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        torch.set_num_threads(1)
        while True:
            self.barrier.wait()
            if not self.running.value:
                return
            self._work(rank, rows)

    def step(self, length, rate):
        """One step at a share of the learning rates; returns the mean loss before it."""
        self.length.value, self.rate.value, self.taken.value = length, rate, 0
        self.barrier.wait()
        self._work(0, self.rows)
        return sum(self.losses)

    def stop(self):
        self.running.value = False
        self.barrier.wait()


class Alone:
    """The same on one device, for a GPU."""

    def __init__(self, model, batch, bfloat16, update):
        self.model, self.batch, self.bfloat16, self.update = model, batch, bfloat16, update

    def start(self, rows_of):
        self.rows = rows_of(0)

    def step(self, length, rate):
        loss = gradients_of(self.model, self.rows, lambda: [1.0], self.batch, length, self.bfloat16)
        self.update(0, 1, rate)
        return loss

    def stop(self):
        pass
