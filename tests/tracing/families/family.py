"""What a row of a table of families says: how to build the network, what goes in and what comes out."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

Builder = Callable[[], nn.Module]
Shape = tuple[int, ...]


class Family(NamedTuple):
    """One network of a family.

    Attributes
    ----------
    build
        Builds it; takes no arguments.
    shape
        One sample, without the batch; of several inputs, a tuple of shapes.
    outputs
        One sample of each output: `(5,)` for five scores, a map for a segmentation.
    dtype
        Of the input; of several inputs, a tuple of names.
    still
        Builds the same without randomness; None if there is none.
    tokens
        Whole numbers in the input are below this.
    live
        Number of parameters that the output depends on, if not all do.
    """

    build: Builder
    shape: Shape | tuple[Shape, ...]
    outputs: tuple[Shape, ...] = ((5,),)
    dtype: str | tuple[str, ...] = "float32"
    still: Builder | None = None
    tokens: int = 0
    live: int | None = None

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """One sample of each input."""
        return self.shape if isinstance(self.shape[0], tuple) else (self.shape,)  # type: ignore[return-value]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Of each input."""
        return (self.dtype,) if isinstance(self.dtype, str) else self.dtype

    def batch(self, samples: int, seed: int = 0) -> list[torch.Tensor]:
        """Random inputs, (samples, ...) each, in torch's default floating-point type."""
        draw = torch.Generator().manual_seed(seed)
        return [
            torch.randint(self.tokens, (samples, *shape), generator=draw)
            if dtype.startswith("int")
            else torch.randn(samples, *shape, generator=draw)
            for shape, dtype in zip(self.shapes, self.dtypes, strict=True)
        ]
