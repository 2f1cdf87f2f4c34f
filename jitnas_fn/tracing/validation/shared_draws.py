"""Random draws that a model and the network beside it share, and the functions of torch that take them."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.run_random import alpha_dropped

WIDE = torch.float64


class SharedDraws:
    """Random numbers by the order of their calls in the original, for it and for the network beside it.

    Parameters
    ----------
    order
        Canonical index of an operation of the network beside -> place of its draw in the order of the original's calls.
    """

    def __init__(self, order: dict[int, int]) -> None:
        self.order = order
        self.call = 0
        self.count = 0  # draws of the original in this call
        self._uniform: set[int] = set()  # places where the original drew uniform numbers

    def begin(self, call: int) -> None:
        """Say which call comes: its draws are others than those of the call before."""
        self.call, self.count = call, 0
        self._uniform = set()

    def next(self) -> int:
        """The place of the original's next draw."""
        self.count += 1
        return self.count - 1

    def _generator(self, place: int) -> torch.Generator:
        return torch.Generator().manual_seed(1_000_003 * self.call + place)

    def uniform(self, place: int, shape: Any) -> Tensor:
        """Numbers in [0, 1), float64."""
        return torch.rand(tuple(shape), generator=self._generator(place), dtype=WIDE)

    def drawn(self, place: int, kind: str, p: float | None, shape: Any) -> Tensor:
        """Numbers of this kind, float64."""
        if kind == "normal":
            return torch.randn(tuple(shape), generator=self._generator(place), dtype=WIDE)
        numbers = self.uniform(place, shape)
        return numbers if kind == "uniform" else (numbers < (p or 0.0)).to(WIDE)

    def note_uniform(self, place: int) -> None:
        """Note that the original draws uniform numbers here."""
        self._uniform.add(place)

    # what the network beside asks for

    def kept(self, number: int, shape: list[int], keep: float) -> Tensor:
        """Truths of this shape, each true with probability `keep`."""
        return self.uniform(self.order[number], shape) < keep

    def kept_samples(self, number: int, shape: list[int], keep: float) -> Tensor:
        """Truths of this shape, true where the original keeps the sample: also where it writes floor(keep + U)."""
        numbers = self.uniform(self.order[number], shape)
        return torch.floor(numbers + keep) > 0 if self.order[number] in self._uniform else numbers < keep

    def noise(self, number: int, kind: str, p: float | None, shape: list[int]) -> Tensor:
        """Numbers of this shape and kind."""
        return self.drawn(self.order[number], kind, p, shape)

    def at_step(self, step: int) -> None:
        """Training steps are not counted here."""


# random functions, as the trace knows them


def _dropout(kind: str) -> Callable[..., Tensor]:
    def run(draws: SharedDraws, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training:
            return input
        shape = [*input.shape[:2], *[1] * (input.dim() - 2)] if kind in ("channel", "feature_alpha") else input.shape
        kept = draws.uniform(draws.next(), shape).to(input.device) < 1 - p
        if kind in ("element", "channel"):
            value = input * (kept.to(input.dtype) * (1 / (1 - p) if p < 1 else 0.0))
        else:
            value = alpha_dropped(input, kept, p)
        return input.copy_(value) if inplace else value

    return run


def _dropout_off_by_default(kind: str) -> Callable[..., Tensor]:
    run = _dropout(kind)

    def quiet(draws: SharedDraws, input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
        return run(draws, input, p, training, inplace)

    return quiet


def _created(kind: str) -> Callable[..., Tensor]:
    def run(draws: SharedDraws, *size: Any, dtype: Any = None, device: Any = None) -> Tensor:
        shape = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
        return _noise(draws, kind, None, shape).to(device=device, dtype=dtype or WIDE)

    return run


def _alike(kind: str) -> Callable[..., Tensor]:
    def run(draws: SharedDraws, input: Tensor, *, dtype: Any = None, device: Any = None) -> Tensor:
        return _noise(draws, kind, None, input.shape).to(device=input.device, dtype=dtype or input.dtype)

    return run


def _noise(draws: SharedDraws, kind: str, p: float | None, shape: Any) -> Tensor:
    place = draws.next()
    if kind == "uniform":
        draws.note_uniform(place)
    return draws.drawn(place, kind, p, shape)


def _into(draws: SharedDraws, x: Tensor, kind: str, factor: float, shift: float, p: float | None = None) -> Tensor:
    return x.copy_(_noise(draws, kind, p, x.shape) * factor + shift)


def _uniform_(draws: SharedDraws, self: Tensor, *bounds: float, generator: Any = None) -> Tensor:
    low, high = (*bounds, 0.0, 1.0)[:2] if len(bounds) != 1 else (bounds[0], 1.0)
    return _into(draws, self, "uniform", high - low, low)


def _bernoulli(draws: SharedDraws, input: Tensor, p: Any = None, *, generator: Any = None) -> Tensor:
    probability = float(input.flatten()[0]) if p is None else p
    return _noise(draws, "coins", probability, input.shape).to(device=input.device, dtype=input.dtype)


RANDOM: dict[Any, Callable[..., Tensor]] = {
    F.dropout: _dropout("element"),
    torch.dropout: _dropout("element"),
    F.dropout1d: _dropout("channel"),
    F.dropout2d: _dropout("channel"),
    F.dropout3d: _dropout("channel"),
    F.alpha_dropout: _dropout_off_by_default("alpha"),
    F.feature_alpha_dropout: _dropout_off_by_default("feature_alpha"),
    torch.rand: _created("uniform"),
    torch.randn: _created("normal"),
    torch.rand_like: _alike("uniform"),
    torch.randn_like: _alike("normal"),
    Tensor.bernoulli_: lambda draws, x, p=0.5, generator=None: _into(draws, x, "coins", 1.0, 0.0, p),
    Tensor.uniform_: _uniform_,
    Tensor.normal_: lambda draws, x, mean=0.0, std=1.0, generator=None: _into(draws, x, "normal", std, mean),
    torch.bernoulli: _bernoulli,
    Tensor.bernoulli: _bernoulli,
}
