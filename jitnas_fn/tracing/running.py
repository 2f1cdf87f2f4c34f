"""What the functions that run operations have in common."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

Values = dict[int, torch.Tensor]
Call = Callable[[Values, Any, Any], torch.Tensor]  # values by node, the network, the batch size


def by_rank(name: str, sizes: list[int]) -> Any:
    """The function of torch for as many spatial axes as there are sizes: conv2d for two."""
    return getattr(F, f"{name}{len(sizes)}d")


def sizes_of(shape: list[int], batch: Any) -> list[Any]:
    """A shape with the batch size put in."""
    return [-size * batch if size < 0 else size for size in shape]
