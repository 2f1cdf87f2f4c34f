"""Which value goes where: operand order, topology, sharing and tying."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, ROW, Net, built, conv, lin


def two(body, **more):
    return built(body, a=lin(), b=lin(), **more)


def three(body):
    return built(body, a=lin(), b=lin(), c=lin())


def maps(body):
    return built(body, a=conv(padding=1), b=conv(padding=1), c=conv(padding=1))


def tied(*, weight=True, bias=False, transposed=False, copied=False):
    def setup(s):
        if weight and copied:
            s.b.weight = nn.Parameter(s.a.weight.detach().clone())
        elif weight:
            s.b.weight = s.a.weight
        if bias:
            s.b.bias = s.a.bias

    return two(
        (lambda s, x: F.linear(s.a(x).relu(), s.a.weight.T, s.b.bias)) if transposed else (lambda s, x: s.b(s.a(x).relu())),
        setup=setup,
    )


def by_storage(offset):
    def build():
        store = torch.randn(6, 4)
        return Net(
            lambda s, x: F.linear(F.linear(x, s.v), s.w), v=nn.Parameter(store[:4]), w=nn.Parameter(store[offset : offset + 4])
        )

    return build


def cell(edges):
    """Nodes 1 to 3, each the sum of (layer, source) pairs; the output is all nodes side by side."""

    def body(s, x):
        values = [x]
        for node in edges:
            values.append(sum(getattr(s, name)(values[i]).relu() if name else values[i] for name, i in node))
        return torch.cat(values[1:], 1)

    return built(body, a=conv(padding=1), b=conv(padding=1), c=conv(k=1), d=conv(k=1))


def named(*names):
    """One spelling of a loop over layers that are picked by name."""

    def body(s, x):
        for name in names:
            x = getattr(s, name)(x).relu()
        return x

    return built(body, a=lin(4, 4), b=lin(4, 4, bias=False), c=lin(4, 4))


FAMILIES = {
    "operands": (
        ROW,
        {
            "a(x) - x": two(lambda s, x: s.a(x) - x),
            "x - a(x)": two(lambda s, x: x - s.a(x)),
            "a / b": two(lambda s, x: s.a(x).exp() / (s.b(x).exp() + 1)),
            "b + 1 / a": two(lambda s, x: (s.a(x).exp() + 1) / s.b(x).exp() ** 2),
            "relu - tanh": two(lambda s, x: s.a(x).relu() - s.b(x).tanh()),
            "tanh - relu": two(lambda s, x: s.a(x).tanh() - s.b(x).relu()),
            "cat relu, tanh": two(lambda s, x: torch.cat([s.a(x).relu(), s.b(x).tanh()], 1)),
            "cat tanh, relu": two(lambda s, x: torch.cat([s.a(x).tanh(), s.b(x).relu()], 1)),
            "stack": two(lambda s, x: torch.stack([s.a(x).relu(), s.b(x).tanh()], 1)),
            "stack, other way": two(lambda s, x: torch.stack([s.a(x).tanh(), s.b(x).relu()], 1)),
            "stack last": two(lambda s, x: torch.stack([s.a(x).relu(), s.b(x).tanh()], 2)),
            "where": two(lambda s, x: torch.where(x > 0, s.a(x).relu(), s.b(x).tanh())),
            "where not": two(lambda s, x: torch.where(x > 0, s.b(x).tanh(), s.a(x).relu())),
            "where at least": two(lambda s, x: torch.where(x >= 0.5, s.a(x).relu(), s.b(x).tanh())),
            "power": two(lambda s, x: s.a(x).sigmoid() ** s.b(x).relu()),
            "power, other way": two(lambda s, x: (s.b(x).relu() + 0.1) ** s.a(x).sigmoid()),
            "maximum": two(lambda s, x: torch.maximum(s.a(x).relu(), s.b(x).tanh())),
            "minimum": two(lambda s, x: torch.minimum(s.a(x).relu(), s.b(x).tanh())),
            "lerp": two(lambda s, x: torch.lerp(s.a(x).relu(), s.b(x).tanh(), 0.3)),
            "lerp, other way": two(lambda s, x: torch.lerp(s.b(x).tanh(), s.a(x).relu(), 0.3)),
            "remainder": two(lambda s, x: torch.remainder(s.a(x), 0.7)),
            "fmod": two(lambda s, x: torch.fmod(s.a(x), 0.7)),
            "atan2": two(lambda s, x: torch.atan2(s.a(x).relu(), s.b(x).tanh())),
            "atan2, other way": two(lambda s, x: torch.atan2(s.a(x).tanh(), s.b(x).relu())),
        },
    ),
    "matrix products": (
        (4, 4),
        {
            "a b": two(lambda s, x: s.a(x).relu() @ s.b(x)),
            "b a": two(lambda s, x: s.b(x) @ s.a(x).relu()),
            "a b'": two(lambda s, x: s.a(x).relu() @ s.b(x).mT),
            "a' b": two(lambda s, x: s.a(x).relu().mT @ s.b(x)),
            "(a b)'": two(lambda s, x: (s.a(x).relu() @ s.b(x)).mT),
            "a * b": two(lambda s, x: s.a(x).relu() * s.b(x)),
            "einsum": two(lambda s, x: torch.einsum("bij,bkj->bik", s.a(x).relu(), s.b(x) * 2)),
            "einsum of sums": two(lambda s, x: torch.einsum("bij,bkl->bil", s.a(x).relu(), s.b(x))),
            "outer": two(lambda s, x: torch.einsum("bij,bik->bijk", s.a(x).relu(), s.b(x)).sum(2)),
        },
    ),
    "one layer or two": (
        ROW,
        {
            "a a": two(lambda s, x: s.a(s.a(x).relu())),
            "a b": two(lambda s, x: s.b(s.a(x).relu())),
            "a a a": two(lambda s, x: s.a(s.a(s.a(x).relu()).relu())),
            "a b a": two(lambda s, x: s.a(s.b(s.a(x).relu()).relu())),
            "a b b": two(lambda s, x: s.b(s.b(s.a(x).relu()).relu())),
            "a a b": two(lambda s, x: s.b(s.a(s.a(x).relu()).tanh())),
            "siamese": two(lambda s, x: (s.a(x) - s.a(x.flip(1))).abs()),
            "two towers": two(lambda s, x: (s.a(x) - s.b(x.flip(1))).abs()),
            "side by side": two(lambda s, x: torch.cat([s.a(x), s.a(x)], 1)),
            "side by side, two": two(lambda s, x: torch.cat([s.a(x), s.b(x)], 1)),
        },
    ),
    "tied weights": (
        ROW,
        {
            "untied": tied(weight=False),
            "weight": tied(),
            "bias": tied(weight=False, bias=True),
            "both": tied(bias=True),
            "transposed": tied(transposed=True),
            "copied at the start": tied(copied=True),
        },
    ),
    "parameters in one storage": (
        ROW,
        {
            "overlapping": by_storage(2),
            "same": by_storage(0),
            "next": built(lambda s, x: s.b(s.a(x)), a=lin(bias=False), b=lin(bias=False)),
        },
    ),
    "layers picked by name": (
        ROW,
        {
            "abc": named("a", "b", "c"),
            "aba": named("a", "b", "a"),
            "ab": named("a", "b"),
            "abb": named("a", "b", "b"),
            "bac": named("b", "a", "c"),
        },
    ),
    "residuals": (
        MAP,
        {
            "relu after": maps(lambda s, x: (s.b(s.a(x).relu()) + x).relu()),
            "relu before": maps(lambda s, x: s.b(s.a(x).relu()).relu() + x),
            "pre-activation": maps(lambda s, x: s.b(s.a(x.relu()).relu()) + x),
            "no skip": maps(lambda s, x: s.b(s.a(x).relu()).relu()),
            "skip of one": maps(lambda s, x: (s.b(s.a(x).relu()) + s.a(x).relu()).relu()),
            "skip before relu": maps(lambda s, x: (s.b(s.a(x).relu()) + s.a(x)).relu()),
            "scaled": maps(lambda s, x: (0.5 * s.b(s.a(x).relu()) + x).relu()),
            "dense": maps(lambda s, x: torch.cat([x, s.a(x).relu(), s.b(s.a(x).relu())], 1)),
            "dense, other order": maps(lambda s, x: torch.cat([s.b(s.a(x).relu()), s.a(x).relu(), x], 1)),
            "multiplied": maps(lambda s, x: (s.b(s.a(x).relu()) * x).relu()),
            "inplace on the skip": maps(lambda s, x: s.b(F.relu(y := s.a(x), inplace=True)) + y + x),
            "two skips": maps(lambda s, x: s.c(s.b(s.a(x).relu()).relu() + x) + x),
            "one long skip": maps(lambda s, x: s.c(s.b(s.a(x).relu()).relu()) + x),
            "nested skip": maps(lambda s, x: s.c(s.b(s.a(x).relu()).relu() + s.a(x).relu()) + x),
        },
    ),
    "cells": (
        MAP,
        {
            "chain": cell([[("a", 0)], [("b", 1)], [("c", 2)]]),
            "fan": cell([[("a", 0)], [("b", 0)], [("c", 0)]]),
            "chain with skip": cell([[("a", 0)], [("b", 1), (None, 0)], [("c", 2)]]),
            "skip at the end": cell([[("a", 0)], [("b", 1)], [("c", 2), (None, 0)]]),
            "skip of one": cell([[("a", 0)], [("b", 1)], [("c", 2), (None, 1)]]),
            "crossed": cell([[("a", 0)], [("b", 0)], [("c", 1), ("d", 2)]]),
            "crossed, other": cell([[("a", 0)], [("c", 0)], [("b", 1), ("d", 2)]]),
            "tree": cell([[("a", 0)], [("b", 1)], [("c", 1)]]),
            "tree, other": cell([[("a", 0)], [("b", 0)], [("c", 1)]]),
            "shared": cell([[("a", 0)], [("a", 1)], [("c", 2)]]),
            "shared, later": cell([[("a", 0)], [("b", 1)], [("a", 2)]]),
        },
    ),
    "order of layers": (
        ROW,
        {
            "norm, relu": built(lambda s, x: s.b(s.n(s.a(x)).relu()), a=lin(), b=lin(), n=lambda: nn.BatchNorm1d(4)),
            "relu, norm": built(lambda s, x: s.b(s.n(s.a(x).relu())), a=lin(), b=lin(), n=lambda: nn.BatchNorm1d(4)),
            "norm first": built(lambda s, x: s.b(s.a(s.n(x)).relu()), a=lin(), b=lin(), n=lambda: nn.BatchNorm1d(4)),
            "norm last": built(lambda s, x: s.n(s.b(s.a(x).relu())), a=lin(), b=lin(), n=lambda: nn.BatchNorm1d(4)),
            "no norm": two(lambda s, x: s.b(s.a(x).relu())),
            "narrow": lambda: nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4)),
            "wide": lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4)),
            "no relu": two(lambda s, x: s.b(s.a(x))),
        },
    ),
}
