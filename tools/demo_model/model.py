"""A Llama-shaped decoder in plain PyTorch, small enough to train on a CPU."""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocab_size: int = 1024
    hidden_size: int = 256
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    intermediate_size: int = 512
    max_position_embeddings: int = 8192
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def as_dict(self):
        return asdict(self)


def rotary_tables(shape, length):
    half = shape.head_dim // 2
    frequency = shape.rope_theta ** (-torch.arange(0, half, dtype=torch.float32) / half)
    angle = torch.outer(torch.arange(length, dtype=torch.float32), frequency)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cos + turned * sin


# Up to this length bfloat16 attention is written out as matrix products, for which CPUs have instructions that
# torch's own attention does not use. Longer rows have torch's own, in float32.
WRITTEN_OUT = 1024


def attention(q, k, v):
    """Causal attention of [batch, heads, tokens, head_dim]."""
    if q.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    b, h, t, d = q.shape
    if t > WRITTEN_OUT:
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True)
    q, k, v = (x.reshape(b * h, t, d).bfloat16() for x in (q, k, v))
    later = torch.full((t, t), -1e9, dtype=torch.bfloat16).triu(1)
    scores = torch.baddbmm(later, q, k.transpose(1, 2), alpha=d ** -0.5)
    with torch.autocast("cpu", enabled=False):
        return (scores.softmax(-1) @ v).view(b, h, t, d)


class Norm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Layer(nn.Module):
    """Attribute names follow the published Llama checkpoints, so export is a renaming-free copy."""

    def __init__(self, shape):
        super().__init__()
        d, hd = shape.hidden_size, shape.head_dim
        self.heads, self.kv_heads, self.head_dim = shape.num_attention_heads, shape.num_key_value_heads, hd
        self.input_layernorm = Norm(d, shape.rms_norm_eps)
        self.self_attn = nn.ModuleDict({
            "q_proj": nn.Linear(d, self.heads * hd, bias=False),
            "k_proj": nn.Linear(d, self.kv_heads * hd, bias=False),
            "v_proj": nn.Linear(d, self.kv_heads * hd, bias=False),
            "o_proj": nn.Linear(self.heads * hd, d, bias=False),
        })
        self.post_attention_layernorm = Norm(d, shape.rms_norm_eps)
        self.mlp = nn.ModuleDict({
            "gate_proj": nn.Linear(d, shape.intermediate_size, bias=False),
            "up_proj": nn.Linear(d, shape.intermediate_size, bias=False),
            "down_proj": nn.Linear(shape.intermediate_size, d, bias=False),
        })

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        h = self.input_layernorm(x)
        a = self.self_attn
        q = a["q_proj"](h).view(b, t, self.heads, self.head_dim).transpose(1, 2)
        k = a["k_proj"](h).view(b, t, self.kv_heads, self.head_dim).transpose(1, 2)
        v = a["v_proj"](h).view(b, t, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        o = attention(q, k, v)
        x = x + a["o_proj"](o.transpose(1, 2).reshape(b, t, -1))
        h = self.post_attention_layernorm(x)
        m = self.mlp
        return x + m["down_proj"](F.silu(m["gate_proj"](h)) * m["up_proj"](h))


class Model(nn.Module):
    def __init__(self, shape, embedding_std=0.02):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.norm = Norm(shape.hidden_size, shape.rms_norm_eps)
        cos, sin = rotary_tables(shape, shape.max_position_embeddings)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.start(embedding_std)

    def start(self, embedding_std):
        """Layers write nothing at first, so that the embeddings are not drowned before anything reads them;
        the last norm makes up for larger embeddings, which also give the logits."""
        for name, p in self.named_parameters():
            if p.dim() != 2:
                continue
            if "embed" in name:
                nn.init.normal_(p, std=embedding_std)
            elif name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(p)
            else:
                nn.init.normal_(p, std=1.0 / math.sqrt(p.shape[1]))
        nn.init.constant_(self.norm.weight, 0.02 / embedding_std)

    def forward(self, ids, targets=None):
        t = ids.shape[1]
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, self.cos[:t], self.sin[:t])
        logits = F.linear(self.norm(x), self.embed_tokens.weight)
        if targets is None:
            return logits
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))

    def parameter_count(self):
        return sum(p.numel() for p in self.parameters())
