"""Layers with parameters or buffers: which there are, what may be chosen, and how each is built, in several ways."""

import random
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tests.tracing.programs.specification import Attrs

CONTENTS = [[0.5, -1.0, 2.0, 0.25], [0.5, -1.0, 2.0, 0.75], [2.0, 0.5, -1.0, 0.25]]  # of constants


class Gate(nn.Module):
    """A trainable factor."""

    def __init__(self, shape, made):
        super().__init__()
        self.weight = nn.Parameter(made(shape))

    def forward(self, x):
        return x * self.weight


class Constant(nn.Module):
    """Numbers that nothing trains."""

    def __init__(self, numbers, kept):
        super().__init__()
        if kept == "attribute":
            self.numbers = numbers
        elif kept == "frozen":
            self.numbers = nn.Parameter(numbers, requires_grad=False)
        else:
            self.register_buffer("numbers", numbers, persistent=kept == "persistent")

    def forward(self, x):
        return x * self.numbers


def _one_or_each(value, rng, rank=2):
    return rng.choice([value, (value,) * rank])


def _conv(a: Attrs, rng: random.Random) -> nn.Module:
    same = a["stride"] == 1 and a["padding"] == a["dilation"] * (a["kernel"] - 1) // 2
    padding: Any = _one_or_each(a["padding"], rng)
    if same and rng.random() < 0.3:
        padding = "same"
    return nn.Conv2d(
        a["i"],
        a["o"],
        _one_or_each(a["kernel"], rng),
        stride=_one_or_each(a["stride"], rng),
        padding=padding,
        dilation=a["dilation"],
        groups=a["groups"],
        bias=a["bias"],
        padding_mode=a["padding_mode"],
    )


def _conv_transpose(a: Attrs, rng: random.Random) -> nn.Module:
    return nn.ConvTranspose2d(a["i"], a["o"], _one_or_each(a["kernel"], rng), a["stride"], a["padding"], bias=a["bias"])


def _batch_norm(a: Attrs, rng: random.Random) -> nn.Module:
    build = nn.BatchNorm2d if a["axes"] == 3 else nn.BatchNorm1d
    return build(a["i"], a["eps"], a["momentum"], affine=a["affine"], track_running_stats=a["track"])


def _recurrent(a: Attrs, rng: random.Random) -> nn.Module:
    build = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[a["cell"]]
    return build(a["i"], a["o"], bias=a["bias"], batch_first=rng.random() < 0.6, bidirectional=a["both"])


def _attention(a: Attrs, rng: random.Random) -> nn.Module:
    return nn.MultiheadAttention(a["i"], a["heads"], bias=a["bias"], batch_first=rng.random() < 0.6)


def _gate(a: Attrs, rng: random.Random) -> nn.Module:
    return Gate(a["shape"], rng.choice([torch.ones, lambda shape: torch.zeros(shape) + 1]))


def _constant(a: Attrs, rng: random.Random) -> nn.Module:
    numbers = torch.tensor(CONTENTS[a["content"]]).view(4, *[1] * (a["rank"] - 1))
    return Constant(numbers, rng.choice(["attribute", "frozen", "persistent", "not persistent"]))


KINDS: dict[str, Callable[[Attrs, random.Random], nn.Module]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "conv1d": lambda a, rng: nn.Conv1d(a["i"], a["o"], a["kernel"], padding=a["padding"]),
    "linear": lambda a, rng: nn.Linear(a["i"], a["o"], bias=a["bias"]),
    "batch_norm": _batch_norm,
    "instance_norm": lambda a, rng: nn.InstanceNorm2d(a["i"], a["eps"], affine=a["affine"]),
    "group_norm": lambda a, rng: nn.GroupNorm(a["groups"], a["i"], a["eps"], affine=a["affine"]),
    "layer_norm": lambda a, rng: nn.LayerNorm(a["shape"], a["eps"], elementwise_affine=a["affine"]),
    "rms_norm": lambda a, rng: nn.RMSNorm(a["shape"], a["eps"], elementwise_affine=a["affine"]),
    "prelu": lambda a, rng: nn.PReLU(a["i"]),
    "recurrent": _recurrent,
    "attention": _attention,
    "gate": _gate,
    "constant": _constant,
}
WITH_STATISTICS = {"batch_norm"}
