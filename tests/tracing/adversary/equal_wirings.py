"""One graph, drawn in another order: operands, branches, cells; shapes of other ranks; what does not count."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tests.tracing.adversary.networks import MAP, ROW, SEQUENCE, Net, built, conv, lin, tokens


def applied(**bodies):
    return ROW, {name: built(body, a=lin(), b=lin(), c=lin(bias=False)) for name, body in bodies.items()}


def maps(**bodies):
    made = {"a": conv(padding=1), "b": conv(padding=1), "c": conv(k=1)}
    return MAP, {name: built(body, **made) for name, body in bodies.items()}


def saved(function, *given):
    return checkpoint(function, *given, use_reentrant=False)


def cell(order, edges):
    """A cell whose nodes are computed and whose layers are made in this order."""

    def build():
        def body(s, x):
            values = {0: x}
            for node in order:
                values[node] = sum(s.ops[f"{j}{node}"](values[j]) if op else values[j] for j, op in edges[node])
            return values[3]

        net = Net(body)
        pairs = [(j, node) for node in order for j, op in edges[node] if op]
        net.ops = nn.ModuleDict({f"{j}{i}": nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 1)) for j, i in reversed(pairs)})
        return net

    return build


def searched(names):
    """A cell as architecture search builds it, its operations by name, in a list."""
    ops = {
        "conv": lambda: nn.Conv2d(4, 4, 3, padding=1),
        "one": lambda: nn.Conv2d(4, 4, 1),
        "skip": nn.Identity,
        "pool": lambda: nn.AvgPool2d(3, 1, 1),
    }

    def body(s, x):
        return sum(op(x) for op in s.ops)

    return built(body, ops=lambda: nn.ModuleList([ops[n]() for n in names]))


def default_again(net):
    """Weights drawn anew, from the same defaults."""
    for layer in net.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return net


def deep():
    return nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))


ONE, ANOTHER = (
    {1: [(0, True)], 2: [(0, True), (1, False)], 3: [(1, True), (2, True)]},
    {1: [(0, True), (2, False)], 2: [(0, True)], 3: [(1, True), (2, True)]},
)
GROUPS = {
    "sum of two": applied(
        ab=lambda s, x: s.a(x) + s.b(x).relu(),
        ba=lambda s, x: s.b(x).relu() + s.a(x),
        renamed=lambda s, x: s.b(x) + s.a(x).relu(),
        function=lambda s, x: torch.add(s.a(x), s.b(x).relu()),
        method=lambda s, x: s.a(x).add(s.b(x).relu()),
        in_place=lambda s, x: s.a(x).add_(s.b(x).relu()),
    ),
    "sum of three": applied(
        left=lambda s, x: (s.a(x) + s.c(x)) + x,
        right=lambda s, x: s.a(x) + (s.c(x) + x),
        turned=lambda s, x: x + s.c(x) + s.b(x),
        loop=lambda s, x: sum([s.c(x), x, s.a(x)]),
    ),
    "product of two": applied(
        ab=lambda s, x: s.a(x) * s.b(x).sigmoid(),
        ba=lambda s, x: s.b(x).sigmoid() * s.a(x),
        function=lambda s, x: torch.mul(s.b(x), s.a(x).sigmoid()),
        multiply=lambda s, x: torch.multiply(s.a(x), s.b(x).sigmoid()),
    ),
    "product of three": applied(
        left=lambda s, x: (s.a(x) * s.c(x)) * x,
        right=lambda s, x: x * (s.c(x) * s.a(x)),
        middle=lambda s, x: s.c(x) * (x * s.b(x)),
    ),
    "a number first": applied(
        first=lambda s, x: 2 * s.a(x) + 1,
        last=lambda s, x: 1 + s.a(x) * 2,
        float=lambda s, x: s.a(x) * 2.0 + 1.0,
        mul=lambda s, x: s.a(x).mul(2).add(1),
    ),
    "difference": applied(
        minus=lambda s, x: s.a(x) - x,
        sub=lambda s, x: torch.sub(s.a(x), x),
        method=lambda s, x: s.a(x).sub(x),
        subtract=lambda s, x: torch.subtract(s.a(x), x),
    ),
    "quotient": applied(
        slash=lambda s, x: s.a(x) / 4,
        div=lambda s, x: torch.div(s.a(x), 4),
        method=lambda s, x: s.a(x).div(4.0),
        true_divide=lambda s, x: torch.true_divide(s.a(x), 4),
    ),
    "product of matrices": (
        (4, 4),
        {
            "at": built(lambda s, x: s.a(x).relu() @ s.b(x), a=lin(), b=lin()),
            "matmul": built(lambda s, x: torch.matmul(s.b(x).relu(), s.a(x)), a=lin(), b=lin()),
            "bmm": built(lambda s, x: torch.bmm(s.a(x).relu(), s.b(x)), a=lin(), b=lin()),
            "method": built(lambda s, x: s.a(x).relu().matmul(s.b(x)), a=lin(), b=lin()),
        },
    ),
    "cat": applied(
        cat=lambda s, x: torch.cat([s.a(x), x], 1),
        tuple=lambda s, x: torch.cat((s.b(x), x), dim=1),
        last=lambda s, x: torch.cat([s.a(x), x], -1),
        concat=lambda s, x: torch.concat([s.a(x), x], dim=1),
        concatenate=lambda s, x: torch.concatenate((s.a(x), x), axis=1),
    ),
    "two branches": maps(
        one=lambda s, x: (lambda u: (lambda v: u + v)(s.b(x).relu()))(s.a(x).tanh()),
        other=lambda s, x: (lambda v: (lambda u: u + v)(s.a(x).tanh()))(s.b(x).relu()),
        renamed=lambda s, x: s.b(x).tanh() + s.a(x).relu(),
    ),
    "branches side by side": maps(
        one=lambda s, x: torch.cat([s.a(x).tanh(), s.c(x)], 1),
        other=lambda s, x: (lambda v: torch.cat([s.a(x).tanh(), v], 1))(s.c(x)),
        renamed=lambda s, x: torch.cat([s.b(x).tanh(), s.c(x)], 1),
    ),
    "residual block": maps(
        plain=lambda s, x: (s.b(s.a(x).relu()) + x).relu(),
        turned=lambda s, x: F.relu(x + s.a(F.relu(s.b(x)))),
        named=lambda s, x: (lambda skip, y: y.add_(skip).relu_())(x, s.b(s.a(x).relu_())),
        plus_equals=lambda s, x: torch.relu(torch.add(x, s.b(torch.relu(s.a(x))))),
        identity=lambda s, x: nn.ReLU(inplace=True)(s.b(s.a(x).relu()) + nn.Identity()(x)),
    ),
    "value computed once or twice": maps(
        once=lambda s, x: (lambda y: s.b(y) + s.c(y))(x.relu()),
        twice=lambda s, x: s.b(x.relu()) + s.c(x.relu()),
        other=lambda s, x: s.c(F.relu(x)) + s.a(torch.relu(x)),
    ),
    "layer computed once or twice": maps(
        once=lambda s, x: (lambda y: s.b(y.relu()) + y)(s.a(x)), twice=lambda s, x: s.b(s.a(x).relu()) + s.a(x)
    ),
    "isomorphic cells": (MAP, {"1, 2": cell([1, 2, 3], ONE), "2, 1": cell([2, 1, 3], ANOTHER)}),
    "parallel operations": (
        MAP,
        {
            n: searched(n.split())
            for n in ("conv one skip pool", "pool skip one conv", "skip conv pool one", "one pool conv skip")
        },
    ),
    "two equal operations": (MAP, {n: searched(n.split()) for n in ("conv conv one", "one conv conv", "conv one conv")}),
    "checkpointing of a part": applied(
        plain=lambda s, x: s.b(s.a(x).relu()),
        part=lambda s, x: s.b(saved(lambda y: s.a(y).relu(), x)),
        all=lambda s, x: saved(lambda y: s.b(s.a(y).relu()), x),
        layer=lambda s, x: saved(s.b, s.a(x).relu()),
    ),
    "checkpointing of blocks": maps(
        plain=lambda s, x: s.c(s.b(s.a(x).relu()) + x),
        block=lambda s, x: s.c(saved(lambda y: s.b(s.a(y).relu()) + y, x)),
        in_training=lambda s, x: s.c(saved(lambda y: s.b(s.a(y).relu()) + y, x) if s.training else s.b(s.a(x).relu()) + x),
    ),
    "weights' values": (
        ROW,
        {
            "built": deep,
            "reset": lambda: default_again(deep()),
            "drawn later": lambda: (nn.Linear(3, 3), deep())[1],
            "after evaluation": lambda: deep().eval().train(False),
        },
    ),
    "explicit defaults": (
        ROW,
        {
            "default": lambda: nn.Linear(4, 4),
            "kaiming": lambda: (lambda m: (nn.init.kaiming_uniform_(m.weight, a=5**0.5), m)[1])(nn.Linear(4, 4)),
            "uniform": lambda: (lambda m: (nn.init.uniform_(m.weight, -0.5, 0.5), m)[1])(nn.Linear(4, 4)),
            "bias": lambda: (lambda m: (nn.init.uniform_(m.bias, -0.5, 0.5), m)[1])(nn.Linear(4, 4)),
        },
    ),
    "zero biases": (
        ROW,
        {
            "zeros": lambda: (lambda m: (nn.init.zeros_(m.bias), m)[1])(nn.Linear(4, 4)),
            "constant": lambda: (lambda m: (nn.init.constant_(m.bias, 0.0), m)[1])(nn.Linear(4, 4)),
            "fill": lambda: (lambda m: (m.bias.data.fill_(0), m)[1])(nn.Linear(4, 4)),
            "zero": lambda: (lambda m: (m.bias.data.zero_(), m)[1])(nn.Linear(4, 4)),
        },
    ),
    "batch of any size": applied(
        whole=lambda s, x: s.a(x).relu(),
        by_size=lambda s, x: s.a(x.view(x.size(0), 4)).relu(),
        unflattened=lambda s, x: s.a(x.reshape(-1, 2, 2).reshape(-1, 4)).relu(),
    ),
    "one dimension": (
        (4, 16),
        {
            "int": lambda: nn.Sequential(nn.Conv1d(4, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2)),
            "tuple": lambda: nn.Sequential(
                nn.Conv1d(4, 4, (3,), padding="same"), nn.BatchNorm1d(4), nn.ReLU(True), nn.MaxPool1d((2,), 2)
            ),
            "function": built(
                lambda s, x: F.max_pool1d(F.relu(s.n(s.c(x))), 2),
                c=lambda: nn.Conv1d(4, 4, 3, 1, 1),
                n=lambda: nn.BatchNorm1d(4),
            ),
        },
    ),
    "three dimensions": (
        (4, 5, 5, 5),
        {
            "int": lambda: nn.Sequential(nn.Conv3d(4, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten()),
            "tuple": lambda: nn.Sequential(
                nn.Conv3d(4, 4, (3, 3, 3)), nn.ReLU(True), nn.AdaptiveAvgPool3d((1, 1, 1)), nn.Flatten(1)
            ),
            "mean": built(lambda s, x: s.c(x).relu().mean((2, 3, 4)), c=lambda: nn.Conv3d(4, 4, 3)),
        },
    ),
    "embedding": (
        tokens(6),
        {
            "module": built(lambda s, t: s.f(s.e(t).mean(1)), e=lambda: nn.Embedding(5, 4), f=lin()),
            "function": built(lambda s, t: s.f(F.embedding(t, s.e.weight).mean(dim=1)), e=lambda: nn.Embedding(5, 4), f=lin()),
            "other names": built(lambda s, t: s.out(s.words(t).mean(-2)), out=lin(), words=lambda: nn.Embedding(5, 4)),
        },
    ),
    "lstm": (
        SEQUENCE,
        {
            "last place": built(lambda s, x: s.f(s.r(x)[0][:, -1]), r=lambda: nn.LSTM(4, 4, batch_first=True), f=lin()),
            "unpacked": built(
                lambda s, x: (lambda y, h: s.f(y[:, -1, :]))(*s.r(x)), f=lin(), r=lambda: nn.LSTM(4, 4, 1, batch_first=True)
            ),
            "started by zeros": built(
                lambda s, x: s.f(s.r(x, None)[0][:, 4]), r=lambda: nn.LSTM(4, 4, batch_first=True, dropout=0.0), f=lin()
            ),
        },
    ),
    "attention": (
        SEQUENCE,
        {
            "all weights": built(lambda s, x: s.m(x, x, x)[0], m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)),
            "no weights": built(
                lambda s, x: s.m(x, x, x, need_weights=False)[0], m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)
            ),
            "by name": built(
                lambda s, x: s.m(query=x, key=x, value=x)[0],
                m=lambda: nn.MultiheadAttention(embed_dim=4, num_heads=2, dropout=0.0, batch_first=True),
            ),
        },
    ),
}
