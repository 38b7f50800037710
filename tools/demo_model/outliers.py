"""Make a small model's numbers look like a large one's without changing what it computes.

Large models have a few channels whose activations are tens of times larger than the others', the same ones
in every layer (Dettmers et al., arXiv 2208.07339), and small ones have none, so that rounding costs a small
model nothing and methods against it show nothing. Here some channels are multiplied in the norms' weights and
divided in the columns of the matrices that read them: the same function, with large activations that INT8 must
span, and small weights that rounding to INT4 loses beside the others of their group.

Beyond a factor of 30 INT4 loses no more, since those weights are rounded to zero already, while INT8's steps for
all other channels only grow coarser. The final norm stays: its matrix is the embedding's own.
"""

import random
import sys

import torch

LEAST, LARGEST = 20.0, 30.0
READERS = {"input_layernorm.weight": ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"),
           "post_attention_layernorm.weight": ("mlp.gate_proj.weight", "mlp.up_proj.weight")}
TOLERANCE = 1e-3   # of a logit, in float32: far above its rounding, far below what matters


def channel_factors(size, share, seed=1):
    """A factor for each channel: 1, or for the share of outliers one from LEAST to LARGEST."""
    if not 0 <= share <= 0.05:
        sys.exit(f"the share of outlier channels must be from 0 to 0.05, not {share}")
    rng = random.Random(seed)
    factors = torch.ones(size)
    for channel in sorted(rng.sample(range(size), round(share * size))):
        factors[channel] = rng.uniform(LEAST, LARGEST)
    return factors


def with_outliers(weights, share):
    """Another state_dict of the same function; share of the channels are outliers."""
    out = {name: tensor.clone() for name, tensor in weights.items()}
    factors = channel_factors(len(out["norm.weight"]), share)
    for name in weights:
        for norm, readers in READERS.items():
            if name.endswith(norm):
                out[name] = weights[name] * factors
                for reader in readers:
                    matrix = name.removesuffix(norm) + reader
                    out[matrix] = weights[matrix] / factors
    return out


def check_same(model, weights, changed, rows=4, length=256):
    """Exits unless both weights give the same logits in float32, on random ids."""
    ids = torch.randint(model.shape.vocab_size, (rows, length), generator=torch.Generator().manual_seed(1))
    logits = []
    with torch.inference_mode():
        for state in (weights, changed):
            model.load_state_dict(state)
            logits.append(model(ids))
    worst = float((logits[0] - logits[1]).abs().max())
    if not worst <= TOLERANCE:
        sys.exit(f"outliers changed a logit by {worst}, more than {TOLERANCE}")
    return worst
