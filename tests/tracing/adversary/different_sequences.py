"""Embeddings, positions, and several inputs."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import SEQUENCE, Fed, Net, built, lin, tokens


def words(make, read=lambda y: y.mean(1)):
    return built(lambda s, t: s.f(read(s.e(t))), e=make, f=lin(4, 3))


def sinusoid(base=10000.0, *, scale=1.0, swapped=False):
    def table():
        angle = torch.arange(5.0)[:, None] / base ** (torch.arange(0, 4, 2) / 4)
        return torch.stack([angle.cos(), angle.sin()] if swapped else [angle.sin(), angle.cos()], 2).flatten(1) * scale

    return built(lambda s, x: s.a(x + s.p), a=lin(), p=table)


def relative(make):
    """Biases looked up by the distance of two places, as in windowed attention."""

    def body(s, x):
        return (s.q(x) @ s.k(x).mT + s.t[s.i]).softmax(-1) @ x

    return built(body, q=lin(), k=lin(), t=lambda: nn.Parameter(torch.randn(9)), i=make)


def rotary(base, *, on="both"):
    def turn(x):
        angle = torch.arange(5, dtype=x.dtype)[:, None] / base ** (torch.arange(2, dtype=x.dtype) / 2)
        u, v = x[..., :2], x[..., 2:]
        return torch.cat([u * angle.cos() - v * angle.sin(), v * angle.cos() + u * angle.sin()], -1)

    def body(s, x):
        q, k = s.q(x), s.k(x)
        return (turn(q) @ (turn(k) if on == "both" else k).mT).softmax(-1) @ x

    return built(body, q=lin(), k=lin())


DISTANCE = torch.arange(5)[:, None] - torch.arange(5) + 4
TWO = Fed(((4,), (4,)), ("float32", "float32"))
FAMILIES = {
    "embeddings": (
        tokens(6),
        {
            "plain": words(lambda: nn.Embedding(5, 4)),
            "padding 0": words(lambda: nn.Embedding(5, 4, padding_idx=0)),
            "padding 1": words(lambda: nn.Embedding(5, 4, padding_idx=1)),
            "larger": words(lambda: nn.Embedding(6, 4)),
            "max norm": words(lambda: nn.Embedding(5, 4, max_norm=0.5)),
            "scaled by frequency": words(lambda: nn.Embedding(5, 4, scale_grad_by_freq=True)),
            "frozen": words(lambda: nn.Embedding(5, 4).requires_grad_(False)),
            "given": words(lambda: nn.Embedding.from_pretrained(torch.arange(20.0).view(5, 4))),
            "given otherwise": words(lambda: nn.Embedding.from_pretrained(torch.arange(20.0).view(5, 4).flip(0))),
            "given and trained": words(lambda: nn.Embedding.from_pretrained(torch.arange(20.0).view(5, 4), freeze=False)),
            "scaled": words(lambda: nn.Embedding(5, 4), lambda y: y.mean(1) * 2),
            "last": words(lambda: nn.Embedding(5, 4), lambda y: y[:, -1]),
            "max": words(lambda: nn.Embedding(5, 4), lambda y: y.amax(1)),
            "bag": words(lambda: nn.EmbeddingBag(5, 4), lambda y: y * 1.5),
            "bag, sum": words(lambda: nn.EmbeddingBag(5, 4, mode="sum"), lambda y: y),
            "bag, max": words(lambda: nn.EmbeddingBag(5, 4, mode="max"), lambda y: y * 3),
            "cut": words(lambda: nn.Embedding(5, 4), lambda y: y.mean(1).detach()),
            "one-hot": built(lambda s, t: s.f(F.one_hot(t, 5).to(s.f.weight.dtype).mean(1)), f=lambda: nn.Linear(5, 3)),
            "tokens as numbers": built(lambda s, t: s.f(t.to(s.f.weight.dtype)), f=lambda: nn.Linear(6, 3)),
        },
    ),
    "tied to the output": (
        tokens(6),
        {
            "untied": built(lambda s, t: s.f(s.e(t)), e=lambda: nn.Embedding(5, 4), f=lin(4, 5, bias=False)),
            "tied": built(lambda s, t: F.linear(s.e(t), s.e.weight), e=lambda: nn.Embedding(5, 4)),
            "tied, cut": built(lambda s, t: F.linear(s.e(t), s.e.weight.detach()), e=lambda: nn.Embedding(5, 4)),
            "tied, the other cut": built(lambda s, t: F.linear(s.e(t).detach(), s.e.weight), e=lambda: nn.Embedding(5, 4)),
        },
    ),
    "positions": (
        SEQUENCE,
        {
            "sinusoid": sinusoid(),
            "base 100": sinusoid(100.0),
            "scaled": sinusoid(scale=0.5),
            "cosine first": sinusoid(swapped=True),
            "none": built(lambda s, x: s.a(x), a=lin()),
            "learned": built(lambda s, x: s.a(x + s.p), a=lin(), p=lambda: nn.Parameter(torch.zeros(5, 4))),
            "learned, normal": built(lambda s, x: s.a(x + s.p), a=lin(), p=lambda: nn.Parameter(torch.randn(5, 4) * 0.02)),
            "learned, for all": built(lambda s, x: s.a(x + s.p), a=lin(), p=lambda: nn.Parameter(torch.zeros(1, 4))),
            "class token": built(
                lambda s, x: s.a(torch.cat([s.p.expand(len(x), 1, 4), x], 1))[:, 0] + s.a(x).mean(1),
                a=lin(),
                p=lambda: nn.Parameter(torch.zeros(1, 1, 4)),
            ),
            "class token last": built(
                lambda s, x: s.a(torch.cat([x, s.p.expand(len(x), 1, 4)], 1))[:, 0] + s.a(x).mean(1),
                a=lin(),
                p=lambda: nn.Parameter(torch.zeros(1, 1, 4)),
            ),
        },
    ),
    "relative indices": (
        SEQUENCE,
        {
            "distance": relative(lambda: DISTANCE),
            "turned": relative(lambda: DISTANCE.flip(0)),
            "absolute": relative(lambda: (DISTANCE - 4).abs()),
            "clipped": relative(lambda: DISTANCE.clamp(2, 6)),
            "random": relative(lambda: torch.randint(0, 9, (5, 5), generator=torch.Generator().manual_seed(0))),
            "other random": relative(lambda: torch.randint(0, 9, (5, 5), generator=torch.Generator().manual_seed(1))),
        },
    ),
    "rotary": (SEQUENCE, {"10000": rotary(1e4), "100": rotary(1e2), "queries only": rotary(1e4, on="queries")}),
    "two inputs": (
        TWO,
        {
            "a - b": built(lambda s, x, y: s.a(x) - s.b(y).relu(), a=lin(), b=lin()),
            "changed over": built(lambda s, x, y: s.a(y) - s.b(x).relu(), a=lin(), b=lin()),
            "first twice": built(lambda s, x, y: s.a(x) - s.b(x).relu(), a=lin(), b=lin()),
            "cat": built(lambda s, x, y: s.a(torch.cat([x, y], 1)), a=lin(8)),
            "cat, other": built(lambda s, x, y: s.a(torch.cat([y, x], 1)), a=lin(8)),
            "one unused": lambda: Net(lambda s, x, y: s.a(x), a=nn.Linear(4, 4)),
            "other unused": lambda: Net(lambda s, x, y: s.a(y), a=nn.Linear(4, 4)),
            "film": built(lambda s, x, y: s.a(x) * s.b(y) + y, a=lin(), b=lin()),
            "film, second": built(lambda s, x, y: s.a(x) * s.b(y) + x, a=lin(), b=lin()),
        },
    ),
}
