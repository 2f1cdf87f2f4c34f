"""Random numbers by the name of the operation that draws them: equal for all networks that have one document."""

import hashlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

WIDE = torch.float64


def generator(*about: object) -> torch.Generator:
    return torch.Generator().manual_seed(int(hashlib.sha256(repr(about).encode()).hexdigest()[:12], 16))


def uniform(shape: Any, *about: object) -> Tensor:
    return torch.rand(tuple(shape), generator=generator(*about), dtype=WIDE)


class Told(TorchFunctionMode):
    """Random functions draw by the name of the place that draws."""

    def __init__(self, places: list[str], call: int) -> None:
        super().__init__()
        self.places, self.call, self.count = places, call, 0

    def _next(self) -> tuple[str, int]:
        name = self.places[self.count] if self.count < len(self.places) else "unknown"
        self.count += 1
        return name, self.call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        rule = RULES.get(func)
        return func(*args, **(kwargs or {})) if rule is None else rule(self, *args, **(kwargs or {}))


def _dropout(channels: bool) -> Any:
    def rule(told: Told, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002
        if not training:
            return input
        place = told._next()
        if p == 0:
            return F.dropout(input, 0.0)
        shape = (*input.shape[:2], *[1] * (input.dim() - 2)) if channels else input.shape
        return input * ((uniform(shape, *place) < 1 - p).to(WIDE) / (1 - p))

    return rule


def _bernoulli(told: Told, x: Tensor, p: float = 0.5) -> Tensor:
    return x.copy_(uniform(x.shape, *told._next()) < p)


def _randn_like(told: Told, x: Tensor) -> Tensor:
    return torch.randn(x.shape, generator=generator(*told._next()), dtype=WIDE)


RULES: dict[Any, Any] = {
    F.dropout: _dropout(False),
    F.dropout2d: _dropout(True),
    Tensor.bernoulli_: _bernoulli,
    torch.rand: lambda told, size, dtype=None: 1 - uniform(size, *told._next()),
    torch.rand_like: lambda told, x: 1 - uniform(x.shape, *told._next()),
    torch.randn_like: _randn_like,
}


class ByNumber:
    """The same random numbers for a rebuilt network."""

    def __init__(self) -> None:
        self.call = 0

    def kept(self, number: int, shape: list[int], keep: float) -> Tensor:
        return uniform(shape, f"n{number}", self.call) < keep

    kept_samples = kept

    def noise(self, number: int, kind: str, p: float | None, shape: list[int]) -> Tensor:
        if kind == "normal":
            return torch.randn(tuple(shape), generator=generator(f"n{number}", self.call), dtype=WIDE)
        numbers = uniform(shape, f"n{number}", self.call)
        return 1 - numbers if kind == "uniform" else (numbers < (p or 0)).to(WIDE)
