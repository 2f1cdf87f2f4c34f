"""What forward writes: running statistics, memories, counters, weights it clips. Seen only from the second call on."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import ROW, Net, built, lin


def zeros(*shape):
    return lambda: torch.zeros(*shape)


def unit(*shape):
    return lambda: torch.ones(*shape)


def one(body, **more):
    return built(body, a=lin(), **more)


def own_norm(*, momentum=0.1, updated=True, in_evaluation=False, assigned=False, biased=True):
    def body(s, x):
        y = s.a(x)
        if s.training or in_evaluation:
            mean, variance = y.mean(0), y.var(0, unbiased=not biased) if y.shape[0] > 1 else torch.ones_like(y[0])
            if updated and assigned:
                s.m = (1 - momentum) * s.m + momentum * mean.detach()
                s.v = (1 - momentum) * s.v + momentum * variance.detach()
            elif updated:
                s.m.mul_(1 - momentum).add_(momentum * mean.detach())
                s.v.mul_(1 - momentum).add_(momentum * variance.detach())
        else:
            mean, variance = s.m, s.v
        return (y - mean) / (variance + 1e-5).sqrt()

    return one(body, m=zeros(4), v=unit(4))


def smoothed(rate):
    def body(s, x):
        y = s.a(x)
        if s.training:
            s.m.mul_(rate).add_((1 - rate) * y.detach().mean(0))
        return y - s.m

    return one(body, m=zeros(4))


def counter(change, start=0.0):
    def body(s, x):
        if s.training:
            s.n += change
        return s.a(x) * (1 + s.n)

    return one(body, n=lambda: torch.tensor(start))


class Counting(nn.Module):
    """A plain Python number that forward counts up."""

    def __init__(self, step, *, in_training_only=False):
        super().__init__()
        self.a, self.calls, self.step, self.in_training_only = nn.Linear(4, 4), 0, step, in_training_only

    def forward(self, x):
        if self.training or not self.in_training_only:
            self.calls += self.step
        return self.a(x) / (1 + self.calls)


class Momentum(nn.Module):
    """A key encoder that follows the query encoder, as in momentum contrast."""

    def __init__(self, rate, *, before=True):
        super().__init__()
        self.q, self.k, self.rate, self.before = nn.Linear(4, 4), nn.Linear(4, 4), rate, before
        self.k.load_state_dict(self.q.state_dict())
        self.k.requires_grad_(False)

    def follow(self):
        with torch.no_grad():
            for p, q in zip(self.k.parameters(), self.q.parameters(), strict=True):
                p.mul_(self.rate).add_(q, alpha=1 - self.rate)

    def forward(self, x):
        if self.before:
            self.follow()
        y = self.q(x) * self.k(x)
        if not self.before:
            self.follow()
        return y


class Memory(nn.Module):
    """A bank of past features."""

    def __init__(self, *, size=3, written=True, detached=True):
        super().__init__()
        self.a, self.written, self.detached = nn.Linear(4, 4), written, detached
        self.register_buffer("bank", torch.zeros(size, 4))

    def forward(self, x):
        y = self.a(x)
        out = y @ self.bank.T
        if self.written:
            new = y.detach().mean(0, keepdim=True)
            self.bank = torch.cat([self.bank[1:], new] if self.detached else [new, self.bank[:-1]])
        return torch.cat([y, out], 1)


class Carried(nn.Module):
    """A recurrent cell whose state goes on to the next call."""

    def __init__(self, mode):
        super().__init__()
        self.cell, self.mode, self.h = nn.Linear(8, 4), mode, None

    def forward(self, x):
        h = x.new_zeros(4) if self.h is None or self.mode == "forgotten" else self.h
        y = torch.tanh(self.cell(torch.cat([x, h.expand(x.shape[0], 4)], 1)))
        if self.mode != "forgotten":
            self.h = y.detach().mean(0) if self.mode == "mean" else y.detach()[-1]
        return y


def limited(most, how):
    def body(s, x):
        w = s.a.weight
        if how == "data":
            w.data = torch.renorm(w.data, 2, 0, most)
        elif how == "in place":
            with torch.no_grad():
                w.clamp_(-most, most)
        elif how == "copy":
            w.data.copy_(torch.renorm(w.data, 2, 0, most))
        elif how == "on the fly":
            w = torch.renorm(w, 2, 0, most)
        return F.linear(x, w, s.a.bias)

    return one(body)


def annealed(rate):
    def body(s, x):
        y = F.softmax(s.a(x) / s.t, 1)
        if s.training:
            s.t = s.t * rate
        return y

    return one(body, t=unit(()))


def twice(body):
    return built(body, a=lin(), n=lambda: nn.BatchNorm1d(4), m=lambda: nn.BatchNorm1d(4))


def closure(step):
    """A number in a closure that grows with every call."""

    def build():
        calls = [0]

        def body(s, x):
            calls[0] += step
            return s.a(x) * calls[0]

        return Net(body, a=nn.Linear(4, 4))

    return build


GLOBAL = {"calls": 0}


def by_global(step):
    def build():
        GLOBAL["calls"] = 0

        def body(s, x):
            GLOBAL["calls"] += step
            return s.a(x) + GLOBAL["calls"]

        return Net(body, a=nn.Linear(4, 4))

    return build


FAMILIES = {
    "a batch norm of one's own": (
        ROW,
        {
            "momentum 0.1": own_norm(),
            "momentum 0.2": own_norm(momentum=0.2),
            "never updated": own_norm(updated=False),
            "updated in evaluation": own_norm(in_evaluation=True),
            "unbiased": own_norm(biased=False),
            "assigned, momentum 0.3": own_norm(assigned=True, momentum=0.3),
            "torch's": built(lambda s, x: s.n(s.a(x)), a=lin(), n=lambda: nn.BatchNorm1d(4, affine=False)),
        },
    ),
    "moving averages": (ROW, {str(r): smoothed(r) for r in (0.0, 0.9, 0.99, 1.0)}),
    "counters in buffers": (
        ROW,
        {
            "0": counter(0.0),
            "1": counter(1.0),
            "2": counter(2.0),
            "from 1": counter(1.0, start=1.0),
            "plain": one(lambda s, x: s.a(x) * 3),
        },
    ),
    "counters in attributes": (
        ROW,
        {
            "0": lambda: Counting(0),
            "1": lambda: Counting(1),
            "2": lambda: Counting(2),
            "in training": lambda: Counting(1, in_training_only=True),
        },
    ),
    "momentum encoders": (
        ROW,
        {
            "0.9": lambda: Momentum(0.9),
            "0.99": lambda: Momentum(0.99),
            "1": lambda: Momentum(1.0),
            "after": lambda: Momentum(0.9, before=False),
            "both trained": built(lambda s, x: s.q(x) * s.k(x), q=lin(), k=lin()),
        },
    ),
    "memory banks": (
        ROW,
        {
            "written": lambda: Memory(),
            "never written": lambda: Memory(written=False),
            "other end": lambda: Memory(detached=False),
        },
    ),
    "hidden states": (ROW, {m: lambda m=m: Carried(m) for m in ("forgotten", "mean", "last")}),
    "weights limited in forward": (
        ROW,
        {
            "not": limited(0.3, "not"),
            "0.3 by data": limited(0.3, "data"),
            "0.5 by data": limited(0.5, "data"),
            "clamped in place": limited(0.3, "in place"),
            "clamped in place at 0.5": limited(0.5, "in place"),
            "0.3 on the fly": limited(0.3, "on the fly"),
            "0.4 copied": limited(0.4, "copy"),
        },
    ),
    "annealed temperature": (ROW, {str(r): annealed(r) for r in (1.0, 0.9, 0.5)}),
    "one batch norm called twice": (
        ROW,
        {
            "one layer": twice(lambda s, x: s.n(s.n(s.a(x)) * 2)),
            "two layers": twice(lambda s, x: s.m(s.n(s.a(x)) * 2)),
            "x first": twice(lambda s, x: s.n(s.a(x)) + 2 * s.n(x * 3)),
            "x last": twice(lambda s, x: (lambda v: s.n(s.a(x)) + 2 * v)(s.n(x * 3))),
            "called and unread": twice(lambda s, x: (s.n(x * 3), s.n(s.a(x)))[1]),
            "called once": twice(lambda s, x: s.n(s.a(x))),
            "unread, after": twice(lambda s, x: (s.n(s.a(x)), s.n(x * 3))[0]),
            "only in training": twice(lambda s, x: s.n(s.a(x)) if s.training else s.a(x)),
        },
    ),
    "closures and globals": (
        ROW,
        {
            "closure 1": closure(1),
            "closure 2": closure(2),
            "global 1": by_global(1),
            "global 2": by_global(2),
            "constant": one(lambda s, x: s.a(x) * 2),
        },
    ),
}
