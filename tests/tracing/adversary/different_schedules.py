"""What forward changes in its own layers, or keeps from an earlier call, and what it asks its surroundings."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tests.tracing.adversary.networks import ROW, Net, built, lin


def two(body, **more):
    return built(body, a=lin(), b=lin(), **more)


def normed(body):
    return built(body, a=lin(), n=lambda: nn.BatchNorm1d(4), m=lambda: nn.BatchNorm1d(4))


def before(change):
    """Layers that are changed before they are called."""

    def body(s, x):
        change(s)
        return s.n(s.d(s.a(x)))

    return built(body, a=lin(), n=lambda: nn.BatchNorm1d(4), d=lambda: nn.Dropout(0.0))


def decayed(rate):
    def body(s, x):
        if s.training:
            s.a.weight.data.mul_(rate)
        return s.a(x)

    return two(body)


class Kept(nn.Module):
    """Keeps something of what it has seen."""

    def __init__(self, what):
        super().__init__()
        self.a, self.b, self.what, self.seen, self.layers = nn.Linear(4, 4), nn.Linear(4, 4), what, [], {}

    def forward(self, x):
        y = self.a(x)
        if self.what == "first batch":
            self.layers.setdefault("mean", y.detach().mean(0))
            return y - self.layers["mean"]
        if self.what == "history":
            self.seen.append(y.detach().mean(0))
            return y - sum(self.seen) / len(self.seen)
        if self.what == "last two":
            self.seen = [*self.seen[-1:], y.detach().mean(0)]
            return y - sum(self.seen) / len(self.seen)
        if self.what == "layers in turn":
            self.a, self.b = self.b, self.a
        if self.what == "unfreezes":
            self.a.requires_grad_(bool(self.seen))
            self.seen.append(1)
        if self.what == "freezes":
            self.a.requires_grad_(not self.seen)
            self.seen.append(1)
        return y


def unregistered(hold):
    """The second layer is held so that no optimiser finds it, or so that it does."""

    def build():
        layer = nn.Linear(4, 4)
        net = Net(lambda s, x: s.held[0](s.a(x).relu()), a=nn.Linear(4, 4))
        net.held = hold(layer)
        return net

    return build


def saved(*, reentrant=False, preserved=True, dropped=0.0):
    def body(s, x):
        def part(y):
            return F.dropout(s.a(y).relu(), dropped, s.training)

        return s.b(checkpoint(part, x, use_reentrant=reentrant, preserve_rng_state=preserved))

    return two(body)


def answered(question):
    def body(s, x):
        y = s.a(x)
        return s.b(y) * (2.0 if question(s, x, y) else 1.0)

    return two(body)


def statistics_shared(s):
    s.m.running_mean, s.m.running_var = s.n.running_mean, s.n.running_var


FAMILIES = {
    "layers changed before their call": (
        ROW,
        {
            "not": before(lambda s: None),
            "norm in evaluation": before(lambda s: s.n.eval()),
            "norm in training": before(lambda s: s.n.train()),
            "more dropout": before(lambda s: setattr(s.d, "p", 0.4)),
            "dropout grows": before(lambda s: setattr(s.d, "p", min(0.8, s.d.p + 0.1))),
            "momentum": before(lambda s: setattr(s.n, "momentum", 0.5)),
            "eps": before(lambda s: setattr(s.n, "eps", 0.1)),
            "momentum shrinks": before(lambda s: setattr(s.n, "momentum", s.n.momentum * 0.5)),
            "statistics forgotten": before(lambda s: s.n.reset_running_stats() if s.training else None),
            "bias zeroed": before(lambda s: s.a.bias.data.zero_()),
            "weight frozen": before(lambda s: s.a.weight.requires_grad_(False)),
        },
    ),
    "decay in forward": (ROW, {str(rate): decayed(rate) for rate in (1.0, 0.9, 0.5)}),
    "kept from call to call": (
        ROW,
        {
            w: lambda w=w: Kept(w)
            for w in ("nothing", "first batch", "history", "last two", "layers in turn", "unfreezes", "freezes")
        },
    ),
    "layers that no optimiser finds": (
        ROW,
        {
            "registered": unregistered(lambda layer: nn.ModuleList([layer])),
            "in a list": unregistered(lambda layer: [layer]),
        },
    ),
    "checkpointing": (
        ROW,
        {
            "non-reentrant": saved(),
            "reentrant, which loses the gradient": saved(reentrant=True),
            "dropout": saved(dropped=0.4),
            "other dropout": saved(dropped=0.7),
        },
    ),
    "questions": (
        ROW,
        {
            "never": answered(lambda s, x, y: False),
            "gradients on": answered(lambda s, x, y: torch.is_grad_enabled()),
            "gradients off": answered(lambda s, x, y: not torch.is_grad_enabled()),
            "weight has a gradient": answered(lambda s, x, y: s.a.weight.grad is not None),
            "trains, and gradients on": answered(lambda s, x, y: s.training and torch.is_grad_enabled()),
            "evaluates, gradients on": answered(lambda s, x, y: not s.training and torch.is_grad_enabled()),
        },
    ),
    "asks the value": (
        ROW,
        {"never": answered(lambda s, x, y: False), "needs a gradient": answered(lambda s, x, y: y.requires_grad)},
    ),
    "asks for history": (
        ROW,
        {"never": answered(lambda s, x, y: False), "has some": answered(lambda s, x, y: y.grad_fn is not None)},
    ),
    "statistics read and shared": (
        ROW,
        {
            "plain": normed(lambda s, x: s.m(s.n(s.a(x)) * 2)),
            "mean read": normed(lambda s, x: s.n(s.a(x)) + s.n.running_mean),
            "mean read before": normed(lambda s, x: s.n.running_mean.clone() + s.n(s.a(x))),
            "variance read": normed(lambda s, x: s.n(s.a(x)) + s.n.running_var),
            "number of batches read": normed(lambda s, x: s.n(s.a(x)) / (1.0 + s.n.num_batches_tracked)),
            "weight shared": built(
                lambda s, x: s.m(s.n(s.a(x)) * 2),
                a=lin(),
                n=lambda: nn.BatchNorm1d(4),
                m=lambda: nn.BatchNorm1d(4),
                setup=lambda s: setattr(s.m, "weight", s.n.weight),
            ),
            "statistics shared": built(
                lambda s, x: s.m(s.n(s.a(x)) * 2),
                a=lin(),
                n=lambda: nn.BatchNorm1d(4),
                m=lambda: nn.BatchNorm1d(4),
                setup=statistics_shared,
            ),
            "trained in evaluation alone": normed(
                lambda s, x: F.batch_norm(s.a(x), s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias, not s.training)
            ),
            "never moved": normed(
                lambda s, x: F.batch_norm(s.a(x), s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias, s.training, 0.0)
            ),
            "moved at once": normed(
                lambda s, x: F.batch_norm(s.a(x), s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias, s.training, 1.0)
            ),
        },
    ),
    "tied by data": (
        ROW,
        {
            "not": two(lambda s, x: s.b(s.a(x).relu())),
            "one storage, two parameters": two(
                lambda s, x: s.b(s.a(x).relu()), setup=lambda s: setattr(s.b.weight, "data", s.a.weight.data)
            ),
            "one parameter": two(lambda s, x: s.b(s.a(x).relu()), setup=lambda s: setattr(s.b, "weight", s.a.weight)),
        },
    ),
}
