"""The batch size as a symbol: it may be passed on to shapes, and answers no question."""

from typing import Any

import torch

from jitnas_fn.graphs.operations import Shape
from jitnas_fn.tracing.refusal import refuse


class Batch(torch.SymInt):  # noqa: PLW1641  its hash is refused below. torch takes a SymInt where a size is expected
    """A whole multiple of the batch size. A branch, a loop or a look at it is refused.

    Parameters
    ----------
    times
        How many batches, at least 1.
    """

    def __init__(self, times: int = 1) -> None:
        super().__init__(None)  # type: ignore[no-untyped-call]
        self.times = times

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """A batch size is an integer when the network runs."""
        return int

    def __mul__(self, other: object) -> "Batch":
        return Batch(self.times * other) if type(other) is int else self._used()

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> Any:
        if type(other) is Batch and self.times % other.times == 0:
            return self.times // other.times
        return Batch(self.times // other) if type(other) is int and other > 0 and self.times % other == 0 else self._used()

    def __eq__(self, other: object) -> bool:
        return self.times == other.times if type(other) is Batch else self._used()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _used(self, *given: object) -> Any:
        refuse("the batch size is looked at", "a network works alike for every batch size: leave it out of branches and prints")


ALLOWED = ("__mul__", "__rmul__", "__floordiv__", "__eq__", "__ne__", "__init__", "__class__", "__new__", "__dict__")
PLAIN = ("__getattribute__", "__setattr__", "__delattr__", "__init_subclass__", "__subclasshook__", "__doc__", "__module__")
REFUSED = [
    *(name for name in dir(torch.SymInt) if name not in PLAIN),
    *dir(int),
    "__hash__",
    "__repr__",
    "__str__",
    "__format__",
]
for _name in REFUSED:
    if _name not in (*ALLOWED, *PLAIN):
        setattr(Batch, _name, Batch._used)


def batch_of(size: object) -> Batch | None:
    """`size` if it is a batch."""
    return size if type(size) is Batch else None


def sizes(shape: Shape) -> tuple[Any, ...]:
    """`shape` as a model sees it."""
    seen: list[Any] = [Batch(-size) if size < 0 else size for size in shape]
    return torch.Size(seen)


def shown(wanted: object) -> str:
    """Sizes for a message, batches among them."""
    if type(wanted) is Batch:
        return "batch" if wanted.times == 1 else f"{wanted.times}·batch"
    return f"[{', '.join(map(shown, wanted))}]" if isinstance(wanted, (tuple, list)) else str(wanted)
