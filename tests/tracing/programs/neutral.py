"""What may be written into a network without changing it: on the way to an operation, and beside it."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

NEUTRAL: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "none": lambda s, x: x,
    "modules": lambda s, x: s.nothing(x),
    "dropout of nothing": lambda s, x: F.dropout(x, 0.0, s.training),
    "times one": lambda s, x: x * 1,
    "plus zero": lambda s, x: x + 0,
    "minus zero": lambda s, x: x - 0.0,
    "clone": lambda s, x: x.clone(),
    "contiguous": lambda s, x: x.contiguous(),
    "by one": lambda s, x: x / 1.0,
    "first power": lambda s, x: x**1,
    "own shape": lambda s, x: x.reshape(x.shape),
    "there and back": lambda s, x: x.unsqueeze(1).squeeze(1),
    "flat and back": lambda s, x: x.flatten(1).unflatten(1, x.shape[1:]),
    "turned twice": lambda s, x: x.transpose(1, -1).transpose(-1, 1),
    "whole": lambda s, x: x[:, 0:],
    "minus minus": lambda s, x: x.neg().neg(),
    "padded by nothing": lambda s, x: F.pad(x, (0, 0)),
}
DEAD: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(3, 2),
    "norm": lambda: nn.BatchNorm1d(5),
    "list": lambda: nn.ModuleList([nn.Conv2d(1, 1, 1), nn.ReLU()]),
}
