"""The operations of random programs: what may be chosen for each, and several ways to write it in PyTorch.

Each file of operations adds to `OPERATIONS`; `catalogue` imports them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tests.tracing.programs.specification import Attrs, Shape


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation sees besides the tensors: attributes of the step and the layer, the layer, and the mode."""

    a: Attrs
    layer: nn.Module | None
    training: bool


Way = Callable[..., Tensor]  # (Call, x, ...) -> value
Choices = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of statement.

    Attributes
    ----------
    choices
        Shape of the first source -> for each attribute the values it may have; None if it does not apply.
    ways
        To write it; all compute the same.
    layer
        Kind of its layer, if it has one: the attributes are the layer's then.
    arity
        Number of sources; all have one shape.
    commutes
        Whether the order of the sources carries no meaning.
    draws
        Whether it draws random numbers.
    weight
        How often it is drawn, 1 for most.
    saves_nothing
        Whether what it gives may be changed in place: neither it nor its gradient needs the value.
    """

    choices: Callable[[Shape], Choices | None]
    ways: list[Way]
    layer: str = ""
    arity: int = 1
    commutes: bool = False
    draws: bool = False
    weight: float = 1.0
    saves_nothing: bool = False
    in_place: Way | None = None


OPERATIONS: dict[str, Operation] = {}


def axes(*ranks: int, **choices: list[Any]) -> Callable[[Shape], Choices | None]:
    """The same choices for all shapes of these ranks (without the batch)."""
    return lambda shape: choices if len(shape) in ranks else None
