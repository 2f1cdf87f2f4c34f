"""How weights begin: several ways to write each, and what it comes to, said independently of the package under test."""

import math
import random
from collections.abc import Callable

import torch
from torch import Tensor, nn


@torch.no_grad()
def _fill(weight, value):
    weight.fill_(value)


@torch.no_grad()
def _copied(weight, numbers):
    weight.copy_(numbers(weight))


Way = Callable[[Tensor], object]
# name -> (ways to write it, what it comes to)
STARTS: dict[str, tuple[list[Way], str]] = {
    "zeros": (
        [nn.init.zeros_, lambda w: nn.init.constant_(w, 0), lambda w: w.data.zero_(), lambda w: _fill(w, 0.0)],
        "constant 0",
    ),
    "ones": (
        [nn.init.ones_, lambda w: nn.init.constant_(w, 1.0), lambda w: w.data.fill_(1), lambda w: _copied(w, torch.ones_like)],
        "constant 1",
    ),
    "tenth": ([lambda w: nn.init.constant_(w, 0.1), lambda w: w.data.fill_(0.1)], "constant 0.1"),
    "normal": (
        [
            lambda w: nn.init.normal_(w, 0.0, 0.5),
            lambda w: nn.init.normal_(w, std=0.5),
            lambda w: w.data.normal_(0, 0.5),
            lambda w: _copied(w, lambda v: torch.randn_like(v) * 0.5),
            lambda w: _copied(w, lambda v: torch.randn(v.shape) / 2),
        ],
        "normal 0 0.5",
    ),
    "narrow": ([lambda w: nn.init.normal_(w, 0.0, 0.25), lambda w: w.data.normal_(std=0.25)], "normal 0 0.25"),
    "uniform": (
        [
            lambda w: nn.init.uniform_(w, -0.5, 0.5),
            lambda w: w.data.uniform_(-0.5, 0.5),
            lambda w: _copied(w, lambda v: torch.rand_like(v) - 0.5),
        ],
        "uniform -0.5 0.5",
    ),
    "truncated": ([lambda w: nn.init.trunc_normal_(w, std=0.5, a=-1.0, b=1.0)], "truncated 0 0.5 -1 1"),
}


def begin(layer: nn.Module, start: str, rng: random.Random) -> None:
    """Write the start of a layer's weight in one of its ways."""
    if start != "default":
        rng.choice(STARTS[start][0])(layer.weight)


def default_start(layer: nn.Module, name: str, tensor: Tensor) -> str:
    """What PyTorch's documentation says of how this parameter of this layer begins."""
    if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)):
        bound = 1 / math.sqrt(math.prod(layer.weight.shape[1:]))
    elif isinstance(layer, nn.RNNBase):
        bound = 1 / math.sqrt(layer.hidden_size)
    elif isinstance(layer, nn.MultiheadAttention):
        if name.endswith("bias"):
            return "constant 0"
        bound = math.sqrt(6 / sum(tensor.shape)) if name == "in_proj_weight" else 1 / math.sqrt(tensor.shape[1])
    elif isinstance(layer, nn.PReLU):
        return "constant 0.25"
    else:  # norms and gates
        return "constant 0" if name == "bias" else "constant 1"
    return f"uniform {-bound:.6g} {bound:.6g}"


def started(layer: nn.Module, name: str, tensor: Tensor, start: str) -> str:
    """How a parameter begins."""
    if name == "weight" and start != "default":
        return STARTS[start][1]
    return default_start(layer, name, tensor)
