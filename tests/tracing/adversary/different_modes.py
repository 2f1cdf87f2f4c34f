"""What differs between training and evaluation, with the size of the batch, or with memory shared in one mode only."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import ROW, Net, built, lin


def two(body, **more):
    return built(body, a=lin(), b=lin(), **more)


def dropped(body, p=0.3):
    return built(body, a=lin(), b=lin(), d=lambda: nn.Dropout(p))


def mode_of(setting):
    """A part that stays in evaluation (or training) whatever the whole is told."""

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.n = nn.Linear(4, 4), nn.BatchNorm1d(4)

        def train(self, mode=True):
            super().train(mode)
            if setting is not None:
                self.n.train(setting)
            return self

        def forward(self, x):
            return self.n(self.a(x))

    return Fixed


def ghost(size):
    """Batch norm over parts of the batch."""

    def body(s, x):
        y = s.a(x)
        if not s.training or size is None:
            return s.n(y)
        return torch.cat([s.n(part) for part in y.split(size)], 0)

    return built(body, a=lin(), n=lambda: nn.BatchNorm1d(4))


def by_chunks(number):
    def body(s, x):
        y = s.a(x)
        return torch.cat([part - part.mean(0) for part in y.chunk(number, 0)], 0)

    return two(body)


def mixed(body):
    return two(lambda s, x: body(s.a(x)))


def aliased(cast):
    """What is cast is the same tensor if there is nothing to cast."""

    def body(s, x):
        y = s.a(x) * 1
        z = cast(y)
        z.mul_(2)
        return s.b(y) + z

    return two(body)


def hook_in(mode):
    def setup(s):
        s.a.register_forward_hook(lambda m, i, o: o * 2 if m.training == mode else o)

    return two(lambda s, x: s.b(s.a(x)), setup=setup)


def after_dropout(body, p=0.3):
    """The dropped value is changed in place: in evaluation dropout gives its input itself."""
    return dropped(body, p)


class Branching(nn.Module):
    def __init__(self, rule):
        super().__init__()
        self.a, self.b, self.rule = nn.Linear(4, 4), nn.Linear(4, 4), rule

    def forward(self, x):
        return self.a(x) if self.rule(x) else self.b(x).relu()


FAMILIES = {
    "branches on training": (
        ROW,
        {
            "none": two(lambda s, x: s.b(s.a(x).relu())),
            "softmax in evaluation": two(lambda s, x: s.b(s.a(x).relu()) if s.training else s.b(s.a(x).relu()).softmax(1)),
            "softmax in training": two(lambda s, x: s.b(s.a(x).relu()).softmax(1) if s.training else s.b(s.a(x).relu())),
            "softmax always": two(lambda s, x: s.b(s.a(x).relu()).softmax(1)),
            "scaled in evaluation": two(lambda s, x: s.b(s.a(x).relu()) * (1 if s.training else 0.5)),
            "scaled in training": two(lambda s, x: s.b(s.a(x).relu()) * (0.5 if s.training else 1)),
            "clamped in evaluation": two(lambda s, x: s.b(s.a(x).relu()).clamp(*((-9e9, 9e9) if s.training else (0, 1)))),
            "detached in evaluation": two(lambda s, x: s.b(s.a(x).relu() if s.training else s.a(x).relu() * 1.1)),
            "skip in training": two(lambda s, x: s.b(s.a(x).relu()) + (x if s.training else 0)),
            "skip in evaluation": two(lambda s, x: s.b(s.a(x).relu()) + (0 if s.training else x)),
            "other layer in evaluation": two(lambda s, x: s.b(s.a(x).relu()) if s.training else s.b(s.b(x).relu())),
            "gradients on": two(lambda s, x: s.b(s.a(x).relu()) * (1 if torch.is_grad_enabled() else 2)),
            "hook in training": hook_in(True),
            "hook in evaluation": hook_in(False),
            "part's own mode": two(lambda s, x: s.b(s.a(x).relu()) * (2 if s.a.training else 3)),
        },
    ),
    "parts kept in one mode": (ROW, {"free": mode_of(None), "evaluating": mode_of(False), "training": mode_of(True)}),
    "branches on the batch": (
        ROW,
        {
            "none": lambda: Branching(lambda x: True),
            "one sample": lambda: Branching(lambda x: x.shape[0] != 1),
            "fewer than four": lambda: Branching(lambda x: x.shape[0] >= 4),
            "even": lambda: Branching(lambda x: len(x) % 2 == 0),
            "by value": lambda: Branching(lambda x: x.sum() > 0),
            "by norm": lambda: Branching(lambda x: x.norm() > 3),
            "never": lambda: Branching(lambda x: False),
        },
    ),
    "numbers from the batch": (
        ROW,
        {
            "none": mixed(lambda y: y),
            "over the batch": mixed(lambda y: y / y.shape[0]),
            "over its root": mixed(lambda y: y / y.shape[0] ** 0.5),
            "less the batch's mean": mixed(lambda y: y - y.mean(0)),
            "less its mean, cut": mixed(lambda y: y - y.mean(0).detach()),
            "standardised": mixed(lambda y: (y - y.mean(0)) / (y.var(0, unbiased=False) + 1e-5).sqrt()),
            "softmax over the batch": mixed(lambda y: y.softmax(0)),
            "sum over the batch": mixed(lambda y: y + y.sum(0)),
            "numbered": mixed(lambda y: y + torch.arange(len(y), dtype=y.dtype)[:, None]),
            "mirrored": mixed(lambda y: y + y.flip(0)),
            "next sample": mixed(lambda y: y + y.roll(1, 0)),
            "previous sample": mixed(lambda y: y + y.roll(-1, 0)),
            "similarities": mixed(lambda y: torch.cat([y, (y @ y.T).mean(1, keepdim=True)], 1)),
            "attention over the batch": mixed(lambda y: (y @ y.T).softmax(1) @ y),
            "deviation of the batch": mixed(lambda y: torch.cat([y, y.var(0, unbiased=False).mean().expand(len(y), 1)], 1)),
            "accumulated": mixed(lambda y: y.cumsum(0)),
            "first sample": mixed(lambda y: y + y[:1]),
            "last sample": mixed(lambda y: y + y[-1:]),
        },
    ),
    "virtual batches": (
        ROW,
        {"whole": ghost(None), "2": ghost(2), "4": ghost(4), "centred by halves": by_chunks(2), "by thirds": by_chunks(3)},
    ),
    "in place after dropout": (
        ROW,
        {
            "not read again": after_dropout(lambda s, x: s.b(s.d(s.a(x)).mul_(2))),
            "read again": after_dropout(lambda s, x: (lambda y: s.b(s.d(y).mul_(2)) + y)(s.a(x) * 1)),
            "out of place": after_dropout(lambda s, x: (lambda y: s.b(s.d(y).mul(2)) + y)(s.a(x) * 1)),
            "relu in place": after_dropout(lambda s, x: (lambda y: s.b(s.d(y).relu_()) + y)(s.a(x) * 1)),
            "relu": after_dropout(lambda s, x: (lambda y: s.b(s.d(y).relu()) + y)(s.a(x) * 1)),
            "dropout in place": after_dropout(
                lambda s, x: (lambda y: s.b(F.dropout(y, 0.3, s.training, inplace=True)) + y)(s.a(x) * 1)
            ),
            "identity": after_dropout(lambda s, x: (lambda y: s.b(nn.Identity()(y).mul_(2)) + y)(s.a(x) * 1)),
            "written into a part": after_dropout(lambda s, x: (lambda y: (s.d(y)[:, :2].zero_(), s.b(y))[1])(s.a(x) * 1)),
            "not written": after_dropout(lambda s, x: (lambda y: (s.d(y)[:, :2], s.b(y))[1])(s.a(x) * 1)),
        },
    ),
    "in place after a cast": (
        ROW,
        {
            "no copy": aliased(lambda y: y.to(torch.float32) if y.dtype == torch.float32 else y),
            "copied": aliased(lambda y: y.to(y.dtype, copy=True)),
            "half view": two(lambda s, x: (lambda y: (y.contiguous().view(-1, 2, 2)[:, 0].mul_(3), s.b(y))[1])(s.a(x) * 1)),
            "half, other": two(lambda s, x: (lambda y: (y.contiguous().view(-1, 2, 2)[:, 1].mul_(3), s.b(y))[1])(s.a(x) * 1)),
            "copied by contiguous": two(lambda s, x: (lambda y: (y.T.contiguous().mul_(3), s.b(y))[1])(s.a(x) * 1)),
            "turned": two(lambda s, x: (lambda y: (y.T.mul_(3), s.b(y) + 0 * x)[1])(s.a(x) * 1)),
        },
    ),
    "the input written": (
        ROW,
        {
            "relu in place": lambda: Net(lambda s, x: s.a(x.relu_()) + x, a=nn.Linear(4, 4)),
            "relu": lambda: Net(lambda s, x: s.a(x.relu()) + x, a=nn.Linear(4, 4)),
            "relu afterwards": lambda: Net(lambda s, x: (lambda y: y + x.relu_())(s.a(x * 1)), a=nn.Linear(4, 4)),
        },
    ),
}
