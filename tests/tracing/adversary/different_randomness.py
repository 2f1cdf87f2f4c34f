"""Draws in forward: which, how many, shared or not, per sample or per batch, in training or always."""

import torch
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, ROW, built, conv, lin


def one(body, **more):
    return built(body, a=lin(), b=lin(), **more)


def draws(draw):
    """For one kind of draw: one draw used twice, and two draws."""
    return {
        "shared": one(lambda s, x: (lambda e: torch.cat([s.a(x) + e, s.b(x) + e], 1))(draw(s.a(x)))),
        "separate": one(lambda s, x: torch.cat([s.a(x) + draw(s.a(x)), s.b(x) + draw(s.a(x))], 1)),
    }


KINDS = {
    "randn_like": torch.randn_like,
    "rand_like": torch.rand_like,
    "randn": lambda y: torch.randn(y.shape, dtype=y.dtype),
    "rand": lambda y: torch.rand(y.shape, dtype=y.dtype),
    "normal": lambda y: torch.normal(torch.zeros_like(y), 1.5),
    "bernoulli": lambda y: torch.bernoulli(torch.full_like(y, 0.3)),
    "bernoulli of the value": lambda y: torch.bernoulli(y.sigmoid()),
    "new, filled": lambda y: torch.empty_like(y).normal_(0, 2),
    "new, uniform": lambda y: torch.empty_like(y).uniform_(-1, 1),
    "exponential": lambda y: torch.empty_like(y).exponential_(),
    "dropout": lambda y: F.dropout(y, 0.4),
    "alpha dropout": lambda y: F.alpha_dropout(y, 0.4, training=True),
    "feature dropout": lambda y: F.dropout1d(y.unsqueeze(1), 0.4).squeeze(1),
    "rrelu": lambda y: F.rrelu(y, 0.1, 0.9, training=True),
    "gumbel": lambda y: F.gumbel_softmax(y),
    "hard gumbel": lambda y: F.gumbel_softmax(y, hard=True),
    "multinomial": lambda y: F.one_hot(torch.multinomial(y.softmax(1), 1).squeeze(1), 4).to(y.dtype),
    "poisson": lambda y: torch.poisson(y.exp().clamp(max=5)),
    "randint": lambda y: torch.randint(0, 3, y.shape).to(y.dtype),
    "randperm": lambda y: y[:, torch.randperm(4)],
    "normal distribution": lambda y: torch.distributions.Normal(y, 1.0).rsample(),
    "fractional pooling": lambda y: F.fractional_max_pool2d(
        F.pad(y[:, None, :, None] * y[:, None, None], (0, 1, 0, 1)), 2, output_size=3
    ).flatten(1)[:, :4],
}


def path(body):
    return built(body, c=conv(padding=1))


def survived(x, p, shape):
    return torch.bernoulli(torch.full(shape, 1 - p, dtype=x.dtype))


def noise(*, std=0.5, where="after", when="training", each="element"):
    def body(s, x):
        def drawn(y):
            if when == "training" and not s.training:
                return y
            shape = {"element": y.shape, "sample": (y.shape[0], 1), "batch": (1, y.shape[1]), "all": ()}[each]
            return y + std * torch.randn(shape, dtype=y.dtype)

        if where == "before":
            return s.a(drawn(x))
        return drawn(s.a(x)) if where == "after" else drawn(s.a(x).relu())

    return one(body)


def latent(kind):
    def body(s, x):
        mean, spread = s.a(x), s.b(x)
        std = (0.5 * spread).exp() if kind != "std" else 2 * F.softplus(spread)
        if kind == "mean":
            return mean, spread
        if kind == "training" and not s.training:
            return mean, spread
        e = torch.randn_like(std)
        if kind == "two":
            return mean + e * std, mean + torch.randn_like(std) * std
        if kind == "detached":
            return (mean + e * std).detach(), spread
        return mean + e * std, mean + e * std if kind == "one" else spread

    return one(body)


FAMILIES = {f"one draw or two, {name}": (ROW, draws(kind)) for name, kind in KINDS.items()} | {
    "kinds of draws": (
        ROW,
        {
            name: one(lambda s, x, kind=kind: s.a(x) + kind(s.b(x)))
            for name, kind in KINDS.items()
            if name not in {"randn", "rand"}
        },
    ),
    "noise": (
        ROW,
        {
            "plain": one(lambda s, x: s.a(x)),
            "0.5": noise(),
            "0.1": noise(std=0.1),
            "before": noise(where="before"),
            "after relu": noise(where="relu"),
            "always": noise(when="always"),
            "for a sample": noise(each="sample"),
            "for the batch": noise(each="batch"),
            "for all": noise(each="all"),
            "uniform": one(lambda s, x: s.a(x) + (torch.rand_like(x) - 0.5) if s.training else s.a(x)),
            "multiplied": one(lambda s, x: s.a(x) * (1 + 0.5 * torch.randn_like(x)) if s.training else s.a(x)),
        },
    ),
    "stochastic depth": (
        MAP,
        {
            "none": path(lambda s, x: x + s.c(x)),
            "for a sample": path(
                lambda s, x: x + s.c(x) * survived(x, 0.2, (x.shape[0], 1, 1, 1)) / 0.8 if s.training else x + s.c(x)
            ),
            "0.4": path(lambda s, x: x + s.c(x) * survived(x, 0.4, (x.shape[0], 1, 1, 1)) / 0.6 if s.training else x + s.c(x)),
            "for the batch": path(lambda s, x: x + s.c(x) * survived(x, 0.2, (1, 1, 1, 1)) / 0.8 if s.training else x + s.c(x)),
            "scaled in evaluation": path(
                lambda s, x: x + s.c(x) * survived(x, 0.2, (x.shape[0], 1, 1, 1)) if s.training else x + 0.8 * s.c(x)
            ),
            "not scaled": path(lambda s, x: x + s.c(x) * survived(x, 0.2, (x.shape[0], 1, 1, 1)) if s.training else x + s.c(x)),
            "by Python's random": path(lambda s, x: x + s.c(x) if not s.training or torch.rand(()).item() < 0.5 else x),
            "whole block": path(
                lambda s, x: (x + s.c(x)) * survived(x, 0.2, (x.shape[0], 1, 1, 1)) / 0.8 if s.training else x + s.c(x)
            ),
            "of channels": path(lambda s, x: x + F.dropout2d(s.c(x), 0.2, s.training)),
            "of elements": path(lambda s, x: x + F.dropout(s.c(x), 0.2, s.training)),
        },
    ),
    "latent variables": (ROW, {k: latent(k) for k in ("mean", "one", "two", "training", "detached", "std", "always")}),
    "where dropout stands": (
        ROW,
        {
            "before relu": one(lambda s, x: s.b(F.relu(F.dropout(s.a(x), 0.3, s.training)) + s.a(x))),
            "on the input": one(lambda s, x: s.b(F.relu(s.a(F.dropout(x, 0.3, s.training))) + s.a(x))),
            "on the output": one(lambda s, x: F.dropout(s.b(F.relu(s.a(x)) + s.a(x)), 0.3, s.training)),
            "on both": one(lambda s, x: s.b(F.relu(F.dropout(s.a(x), 0.3, s.training)) + F.dropout(s.a(x), 0.3, s.training))),
            "on the shared": one(lambda s, x: (lambda y: s.b(F.relu(y) + y))(F.dropout(s.a(x), 0.3, s.training))),
            "on weights": one(lambda s, x: s.b(F.relu(F.linear(x, F.dropout(s.a.weight, 0.3, s.training), s.a.bias)) + s.a(x))),
            "minus itself": one(lambda s, x: (lambda y: s.b(y - y) + s.a(x))(F.dropout(s.a(x), 0.3, s.training))),
            "minus another": one(
                lambda s, x: s.b(F.dropout(s.a(x), 0.3, s.training) - F.dropout(s.a(x), 0.3, s.training)) + s.a(x)
            ),
        },
    ),
    "data augmentation in forward": (
        MAP,
        {
            "none": path(lambda s, x: s.c(x)),
            "mirrored batch": path(lambda s, x: s.c(x.flip(3) if s.training and torch.rand(()) < 0.5 else x)),
            "mirrored samples": path(
                lambda s, x: s.c(torch.where(torch.rand(x.shape[0], 1, 1, 1) < 0.5, x.flip(3), x) if s.training else x)
            ),
            "mixed samples": path(lambda s, x: s.c(x * 0.7 + x[torch.randperm(x.shape[0])] * 0.3 if s.training else x)),
            "rolled samples": path(lambda s, x: s.c(x * 0.7 + x.roll(1, 0) * 0.3 if s.training else x)),
        },
    ),
}
