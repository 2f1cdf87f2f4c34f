"""How far two calls are apart: outputs, gradients, parameters and buffers."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from jitnas_fn.core.errors import UnsupportedModel
from jitnas_fn.tracing.validation.remembered import largest

TOLERANCE = 1e-7  # of the largest number of a tensor: float64 leaves 1e-12 or less, what is forgotten 1e-6 or more
NOISE = 1e-10  # of the largest number of all gradients: those that are zero but for rounding
ROUNDING = 1e-12  # what is left of numbers about 1 that cancel
COARSE = 2e-2  # where the model computes in half precision
INSTEAD = "mend it, or say validate=False (--no-validate) if you are sure that it is rounding; records will say so"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call gave.

    Attributes
    ----------
    outputs
        In their order.
    gradients
        For each parameter, by its name; None where nothing flows back.
    """

    outputs: list[Tensor]
    gradients: dict[str, Tensor | None]

    @property
    def has_nan(self) -> bool:
        """Whether a number is none: then nothing could be compared with it."""
        return any(map(_has_nan, [*self.outputs, *self.gradients.values()]))

    @property
    def noise(self) -> float:
        """The size below which a gradient is zero but for rounding."""
        sizes = [
            largest(gradient.double()) for gradient in self.gradients.values() if gradient is not None and gradient.numel()
        ]
        return NOISE * max([0.0, *sizes])


def _has_nan(numbers: Tensor | None) -> bool:
    if numbers is None or not numbers.is_floating_point():
        return False
    return math.isnan(float(numbers.sum())) and bool(numbers.isnan().any())  # a sum is quick, and keeps a NaN


def none() -> float:
    """No noise."""
    return 0.0


def compare(what: str, theirs: Tensor | None, ours: Tensor | None, noise: Callable[[], float], *, coarse: bool) -> None:
    """Raise `UnsupportedModel` if a tensor of the original and its counterpart differ by more than rounding.

    Parameters
    ----------
    what
        Which tensor, after which call, for the message.
    theirs, ours
        Of the original and of the network beside it. None, a gradient that does not flow, is zero.
    noise
        Gives the size below which a difference is none.
    coarse
        Whether the model computes in half precision.
    """
    if theirs is None and ours is None:
        return
    like = theirs if theirs is not None else ours
    assert like is not None
    a = torch.zeros_like(like) if theirs is None else theirs
    b = torch.zeros_like(like) if ours is None else ours
    if a.shape != b.shape or (a.dtype != b.dtype and a.dtype.is_floating_point != b.dtype.is_floating_point):
        raise UnsupportedModel(
            f"the network rebuilt from what was traced gives another shape or type: {what} is {list(a.shape)} {a.dtype}, "
            f"rebuilt {list(b.shape)} {b.dtype}; {INSTEAD}"
        )
    if torch.equal(a, b) or not a.numel():
        return
    a, b = a.double(), b.double()
    size = largest(a)
    slack = (COARSE if coarse else TOLERANCE) * size + noise() + ROUNDING
    off = largest(a - b)
    if math.isfinite(size + off):
        differs = off > slack
    else:
        differs = not torch.allclose(a, b, rtol=0.0, atol=slack if math.isfinite(slack) else 0.0, equal_nan=True)
    if differs:
        raise UnsupportedModel(
            f"the network rebuilt from what was traced is not this model: {what} differs by {off:.3g} "
            f"(largest number {size:.3g}); something in forward cannot be traced. {INSTEAD}"
        )
