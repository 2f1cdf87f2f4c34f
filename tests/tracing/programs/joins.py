"""Operations that join several values, that draw random numbers, and that differ between training and evaluation."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.tracing.programs.operations import OPERATIONS, Operation, axes

RANKS = (1, 2, 3)
FACTORS = [1.0, 1.0, -1.0, 0.5, 2.0]


def _times(x, factor):
    return x if factor == 1.0 else -x if factor == -1.0 else x * factor


def _added(c, x, y):
    return torch.add(_times(x, c.a["first"]), y, alpha=c.a["second"])


OPERATIONS["sum"] = Operation(
    axes(*RANKS, first=FACTORS, second=FACTORS),
    [
        lambda c, x, y: _times(x, c.a["first"]) + _times(y, c.a["second"]),
        lambda c, x, y: _times(y, c.a["second"]) + _times(x, c.a["first"]),
        lambda c, x, y: sum([_times(x, c.a["first"]), _times(y, c.a["second"])]),
        lambda c, x, y: x * c.a["first"] - y * -c.a["second"],
        _added,
    ],
    arity=2,
    weight=6,
    saves_nothing=True,
)
OPERATIONS["product"] = Operation(
    axes(*RANKS), [lambda c, x, y: x * y, lambda c, x, y: torch.mul(y, x)], arity=2, commutes=True, weight=2
)
OPERATIONS["ratio"] = Operation(
    axes(*RANKS), [lambda c, x, y: x / (y.abs() + 1), lambda c, x, y: torch.div(x, 1 + y.abs())], arity=2
)
OPERATIONS["larger"] = Operation(
    axes(*RANKS), [lambda c, x, y: torch.maximum(x, y), lambda c, x, y: torch.max(y, x)], arity=2, commutes=True
)
OPERATIONS["cat"] = Operation(
    lambda shape: {"axis": list(range(1, len(shape) + 1))} if max(shape) <= 8 else None,
    [
        lambda c, x, y: torch.cat([x, y], c.a["axis"]),
        lambda c, x, y: torch.concat((x, y), dim=c.a["axis"] - x.dim()),
    ],
    arity=2,
    weight=2,
)
OPERATIONS["mixed"] = Operation(  # x y + x z: not opened by any rule, so only ways that keep its form
    axes(*RANKS), [lambda c, x, y: x * y.sigmoid() + x, lambda c, x, y: x + torch.sigmoid(y) * x], arity=2
)

# randomness: in training only


def _coins(x, shape, keep):
    return x.new_empty(shape).bernoulli_(keep)


def _floors(x, shape, keep):
    return torch.floor(keep + torch.rand(shape, dtype=x.dtype))


def _kept(c, x, drawn, *, divided):
    keep = 1 - c.a["p"]
    shape = (x.shape[0], *[1] * (x.dim() - 1))
    if not c.training:
        return x
    coin = drawn(x, shape, keep)
    return x / keep * coin if divided else x * (coin / keep)


OPERATIONS["dropout"] = Operation(
    axes(*RANKS, p=[0.5, 0.25]),
    [
        lambda c, x: F.dropout(x, c.a["p"], c.training),
        lambda c, x: nn.Dropout(c.a["p"]).train(c.training)(x),
        lambda c, x: F.dropout(x, c.a["p"]) if c.training else x,
    ],
    draws=True,
    weight=2,
)
OPERATIONS["channel_dropout"] = Operation(
    axes(3, p=[0.5, 0.25]),
    [lambda c, x: F.dropout2d(x, c.a["p"], c.training), lambda c, x: nn.Dropout2d(c.a["p"]).train(c.training)(x)],
    draws=True,
)
OPERATIONS["drop_path"] = Operation(
    axes(*RANKS, p=[0.5, 0.25]),
    [
        lambda c, x: _kept(c, x, _coins, divided=False),
        lambda c, x: _kept(c, x, _coins, divided=True),
        lambda c, x: _kept(c, x, _floors, divided=False),
        lambda c, x: _kept(c, x, _floors, divided=True),
    ],
    draws=True,
)
OPERATIONS["noise"] = Operation(
    axes(*RANKS, kind=["normal", "uniform"], width=[0.5, 2.0]),
    [
        lambda c, x: x + c.a["width"] * _drawn(c, x) if c.training else x,
        lambda c, x: x if not c.training else torch.add(_drawn(c, x) * c.a["width"], x),
    ],
    draws=True,
)


def _drawn(c, x):
    return torch.randn_like(x) if c.a["kind"] == "normal" else torch.rand_like(x)


# training and evaluation


def _switched(c, x, y):
    if c.training:
        return x
    return y


OPERATIONS["switch"] = Operation(axes(*RANKS), [_switched, lambda c, x, y: x if c.training else y], arity=2, weight=0.7)
OPERATIONS["scaled_in_training"] = Operation(
    axes(*RANKS, factor=[2.0, 0.5]),
    [lambda c, x: x * c.a["factor"] if c.training else x, lambda c, x: x * (c.a["factor"] if c.training else 1)],
    weight=0.7,
)
