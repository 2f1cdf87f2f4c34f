"""Operations on one tensor, element by element, and arithmetic with numbers."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.tracing.programs.operations import OPERATIONS, Operation, axes

RANKS = (1, 2, 3)

# name -> (choices, ways, in-place way or None)
ACTIVATIONS = {
    "relu": (
        {},
        [lambda c, x: F.relu(x), lambda c, x: x.relu(), lambda c, x: torch.relu(x), lambda c, x: nn.ReLU()(x)],
        lambda c, x: F.relu(x, inplace=True),
    ),
    "relu6": (
        {},
        [lambda c, x: F.relu6(x), lambda c, x: F.hardtanh(x, 0.0, 6.0), lambda c, x: nn.Hardtanh(0, 6)(x)],
        lambda c, x: F.relu6(x, inplace=True),
    ),
    "leaky": (
        {"slope": [0.01, 0.2]},
        [lambda c, x: F.leaky_relu(x, c.a["slope"]), lambda c, x: nn.LeakyReLU(negative_slope=c.a["slope"])(x)],
        lambda c, x: F.leaky_relu_(x, c.a["slope"]),
    ),
    "elu": ({"alpha": [1.0, 0.5]}, [lambda c, x: F.elu(x, c.a["alpha"]), lambda c, x: nn.ELU(alpha=c.a["alpha"])(x)], None),
    "sigmoid": ({}, [lambda c, x: torch.sigmoid(x), lambda c, x: x.sigmoid(), lambda c, x: nn.Sigmoid()(x)], None),
    "tanh": ({}, [lambda c, x: torch.tanh(x), lambda c, x: x.tanh(), lambda c, x: F.tanh(x)], None),
    "silu": ({}, [lambda c, x: F.silu(x), lambda c, x: nn.SiLU()(x)], lambda c, x: F.silu(x, inplace=True)),
    "gelu": (
        {"approximate": ["none", "tanh"]},
        [lambda c, x: F.gelu(x, approximate=c.a["approximate"]), lambda c, x: nn.GELU(c.a["approximate"])(x)],
        None,
    ),
    "hardswish": ({}, [lambda c, x: F.hardswish(x), lambda c, x: nn.Hardswish()(x)], None),
    "softplus": (
        {"beta": [1.0, 2.0]},
        [lambda c, x: F.softplus(x, c.a["beta"]), lambda c, x: nn.Softplus(c.a["beta"])(x)],
        None,
    ),
    "clamp": (
        {"low": [-1.0, -0.5], "high": [1.0, 0.5]},
        [lambda c, x: x.clamp(c.a["low"], c.a["high"]), lambda c, x: torch.clip(x, min=c.a["low"], max=c.a["high"])],
        lambda c, x: x.clamp_(c.a["low"], c.a["high"]),
    ),
    "abs": ({}, [lambda c, x: x.abs(), lambda c, x: torch.abs(x)], None),
    "sin": ({}, [lambda c, x: torch.sin(x), lambda c, x: x.sin()], None),
    "square": (
        {},
        [lambda c, x: x * x, lambda c, x: x**2, lambda c, x: x.square(), lambda c, x: x.pow(2), lambda c, x: torch.mul(x, x)],
        None,
    ),
    "root": (
        {"shift": [0.5, 1.0]},
        [lambda c, x: (x.abs() + c.a["shift"]).sqrt(), lambda c, x: (x.abs() + c.a["shift"]) ** 0.5],
        None,
    ),
    "inverse": (
        {},
        [lambda c, x: 1 / (x.abs() + 1), lambda c, x: (1 + x.abs()).reciprocal(), lambda c, x: (x.abs() + 1) ** -1],
        None,
    ),
    "scale": (
        {"factor": [2.0, -1.0, 0.5, 3.0]},
        [lambda c, x: x * c.a["factor"], lambda c, x: c.a["factor"] * x, lambda c, x: torch.mul(x, c.a["factor"])],
        lambda c, x: x.mul_(c.a["factor"]),
    ),
    "shift": (
        {"constant": [1.0, -1.0, 0.5]},
        [lambda c, x: x + c.a["constant"], lambda c, x: c.a["constant"] + x, lambda c, x: x - -c.a["constant"]],
        lambda c, x: x.add_(c.a["constant"]),
    ),
    "divide": (
        {"divisor": [3.0, 4.0, 7.0]},
        [lambda c, x: x / c.a["divisor"], lambda c, x: torch.div(x, c.a["divisor"])],
        None,
    ),
    "power": (
        {"exponent": [3, 1.5]},
        [lambda c, x: (x.abs() + 0.5) ** c.a["exponent"], lambda c, x: torch.pow(x.abs() + 0.5, c.a["exponent"])],
        None,
    ),
    "greater": (
        {"bound": [0.1, -0.1]},
        [
            lambda c, x: torch.where(x > c.a["bound"], x, x * 0.5),
            lambda c, x: torch.where(c.a["bound"] < x, x, 0.5 * x),
            lambda c, x: torch.where(x.gt(c.a["bound"]), x, x / 2),
        ],
        None,
    ),
}

for _name, (_choices, _ways, _in_place) in ACTIVATIONS.items():
    OPERATIONS[_name] = Operation(axes(*RANKS, **_choices), _ways, in_place=_in_place)
OPERATIONS["softmax"] = Operation(
    lambda shape: {"axis": list(range(1, len(shape) + 1))},
    [
        lambda c, x: F.softmax(x, c.a["axis"]),
        lambda c, x: x.softmax(dim=c.a["axis"]),
        lambda c, x: torch.softmax(x, c.a["axis"] - x.dim()),
        lambda c, x: nn.Softmax(c.a["axis"])(x),
    ],
)
OPERATIONS["cumsum"] = Operation(
    lambda shape: {"axis": list(range(1, len(shape) + 1))},
    [lambda c, x: x.cumsum(c.a["axis"]), lambda c, x: torch.cumsum(x, dim=c.a["axis"])],
)
