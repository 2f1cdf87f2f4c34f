"""Costly functions of torch, computed once for two networks."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from jitnas_fn.tracing.spellings.table import numbers
from jitnas_fn.tracing.validation.remembered import Memory


class Recalling(TorchFunctionMode):
    """Costly functions of torch are computed once for the same numbers.

    Parameters
    ----------
    memory
        What is known of this call.
    """

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        costly = COSTLY.get(func)
        found = costly(self.memory, True, *args, **(kwargs or {})) if costly else None
        return func(*args, **(kwargs or {})) if found is None else found


def _convolution(function: Any) -> Callable[..., Tensor | None]:
    def run(
        memory: Memory,
        recall: bool,
        input: Tensor,
        weight: Tensor,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor | None:
        if isinstance(padding, str) or (_is_cheap(input, weight) and not _is_slow(input, weight, groups)):
            return None
        rank = weight.dim() - 2
        about = tuple(numbers(stride, rank)), tuple(numbers(padding, rank)), tuple(numbers(dilation, rank)), groups
        chosen: Any = by_channel if function is F.conv2d and _is_slow(input, weight, groups) else function
        return memory.computed(
            lambda tensors: chosen(*tensors, *about), [input, weight, bias], (function, about), recall=recall
        )

    return run


def _is_slow(input: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether torch would go through many small maps one after the other."""
    if groups != weight.shape[0] or weight.shape[1] != 1 or input.dim() != 4 or input.dtype != torch.float64:
        return False
    work = input.shape[2] * input.shape[3] * weight.shape[2] * weight.shape[3]  # of one map
    return groups * 9 >= work  # measured


def _is_cheap(input: Tensor, weight: Tensor) -> bool:
    """Whether it is quicker to compute than to recall."""
    return input.numel() + weight.numel() < 2**14


def _linear(memory: Memory, recall: bool, input: Tensor, weight: Tensor, bias: Any = None) -> Tensor | None:
    if _is_cheap(input, weight):
        return None
    return memory.computed(lambda tensors: F.linear(*tensors), [input, weight, bias], F.linear, recall=recall)


COSTLY: dict[Any, Callable[..., Tensor | None]] = {
    **{getattr(home, f"conv{rank}d"): _convolution(getattr(F, f"conv{rank}d")) for home in (torch, F) for rank in (1, 2, 3)},
    F.linear: _linear,
}


def by_channel(
    input: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """`conv2d` with one channel a group, for which torch has no fast way in double precision.

    It is the sum over the kernel's places of shifted maps times a weight.
    """
    steps, rims, gaps = numbers(stride, 2), numbers(padding, 2), numbers(dilation, 2)
    padded = F.pad(input, (rims[1], rims[1], rims[0], rims[0]))
    rows, columns = weight.shape[2:]
    high = (padded.shape[2] - gaps[0] * (rows - 1) - 1) // steps[0] + 1
    wide = (padded.shape[3] - gaps[1] * (columns - 1) - 1) // steps[1] + 1
    total: Tensor | None = None if bias is None else bias[:, None, None]
    for i in range(rows):
        for j in range(columns):
            top, left = i * gaps[0], j * gaps[1]
            part = padded[
                :, :, top : top + steps[0] * (high - 1) + 1 : steps[0], left : left + steps[1] * (wide - 1) + 1 : steps[1]
            ]
            term = part * weight[:, 0, i, j, None, None]
            total = term if total is None else total + term
    assert total is not None
    return total
