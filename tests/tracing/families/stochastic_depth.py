"""Three published spellings of stochastic depth (Huang et al., 2016): a branch is left out for a sample with probability p."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Dropped = Callable[[Tensor, float, bool], Tensor]


def row_dropped(x: Tensor, p: float, training: bool) -> Tensor:
    """As torchvision's `stochastic_depth` in "row" mode."""
    if not training or p == 0.0:
        return x
    survival, size = 1.0 - p, [x.shape[0]] + [1] * (x.ndim - 1)
    noise = torch.empty(size, dtype=x.dtype, device=x.device)
    noise = noise.bernoulli_(survival)
    if survival > 0.0:
        noise.div_(survival)
    return x * noise


def path_dropped(x: Tensor, p: float, training: bool) -> Tensor:
    """As timm's `drop_path`."""
    if p == 0.0 or not training:
        return x
    keep = 1 - p
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    mask = x.new_empty(shape).bernoulli_(keep)
    if keep > 0.0:
        mask.div_(keep)
    return x * mask


def floor_dropped(x: Tensor, p: float, training: bool) -> Tensor:
    """As `drop_path` of the first vision transformers: the floor of a uniform draw shifted by the share that is kept."""
    if p == 0.0 or not training:
        return x
    keep = 1 - p
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    mask = keep + torch.rand(shape, dtype=x.dtype, device=x.device)
    mask.floor_()
    return x.div(keep) * mask


class DropPath(nn.Module):
    """Stochastic depth in one of these spellings."""

    def __init__(self, p: float, spelling: Dropped) -> None:
        super().__init__()
        self.p, self.spelling = p, spelling

    def forward(self, x: Tensor) -> Tensor:
        return self.spelling(x, self.p, self.training)
