"""Muon for the weight matrices: momentum, then the update made orthogonal by a Newton-Schulz iteration.

Embeddings and norm weights stay with AdamW.
"""

import torch


def orthogonal(g):
    """The nearest matrix with singular values near 1, for a stack of matrices of one shape. Under autocast the
    products are in bfloat16, which this iteration bears."""
    tall = g.shape[-2] > g.shape[-1]
    x = g.transpose(-1, -2) if tall else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        s = x @ x.transpose(-1, -2)
        x = 3.4445 * x + (-4.7750 * s + 2.0315 * (s @ s)) @ x
    return x.transpose(-1, -2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["momentum"] = torch.zeros_like(p)

    def share_memory(self):
        """Before the workers of a run are started, each of which then takes its share of a step."""
        for state in self.state.values():
            state["momentum"].share_memory_()

    @torch.no_grad()
    def step(self, rank=0, size=1):
        """Updates every size-th matrix, from number rank on."""
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                shapes.setdefault(p.shape, []).append(p)
            for shape, params in shapes.items():
                params, updates = params[rank::size], []
                if not params:
                    continue
                for p in params:
                    momentum = self.state[p]["momentum"]
                    momentum.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(torch.lerp(p.grad, momentum, group["momentum"]))
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for p, u in zip(params, orthogonal(torch.stack(updates))):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).add_(u, alpha=-scale)
