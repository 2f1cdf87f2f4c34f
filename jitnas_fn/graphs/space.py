"""What every search space does with its points, whatever they stand for."""

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs import counters
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.wiring import Wiring

Point = tuple[Any, ...]  # of integers, or of tuples of them: it can be compared and hashed
ENCODINGS = ("adjacency", "path", "one_hot")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network takes, counted over all of its layers, also those whose values reach no output.

    Attributes
    ----------
    parameters
        Numbers that are trained.
    macs
        Multiply-adds for one sample.
    """

    parameters: int
    macs: int


class Space(ABC):
    """A set of architectures, such as those in `jitnas_fn.spaces`.

    A point is a tuple, and is written as its authors write it. What draws is given the generator it draws from.

    Attributes
    ----------
    about
        One line: what it is, and who published it.
    """

    about: str

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of points."""

    @abstractmethod
    def sample(self, rng: random.Random) -> Point:
        """A point, each as likely as any other."""

    @abstractmethod
    def neighbours(self, point: Point) -> list[Point]:
        """All points that differ in one choice."""

    @abstractmethod
    def mutate(self, point: Point, rng: random.Random) -> Point:
        """One of the neighbours."""

    @abstractmethod
    def check(self, point: Point) -> None:
        """Raise `PointError` if this is no point of the space."""

    @abstractmethod
    def written(self, point: Point) -> str:
        """The point as its authors write it."""

    @abstractmethod
    def read(self, text: str) -> Point:
        """The point that a text stands for; raises `PointError`."""

    @abstractmethod
    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """The network with every layer that the point names.

        Parameters
        ----------
        point
            Which.
        input_shape
            One sample. (C, H, W), or (F,) where the space is of perceptrons.
        classes
            Number of outputs.

        Raises
        ------
        PointError
            If this is no point of the space, or the network does not fit the input.
        """

    @abstractmethod
    def wirings(self, point: Point) -> dict[str, Wiring]:
        """What the point decides, as graphs, each under its name: "cell", or "normal" and "reduction", or "network"."""

    @abstractmethod
    def one_hot(self, point: Point) -> dict[str, float]:
        """1 for each choice that the point makes."""

    @cached_property
    def name(self) -> str:
        """That of its file."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def whole(self) -> "Space":
        """The space that this one is a part of; itself if it is none."""
        return self

    def architecture(self, point: Point, input_shape: Sequence[int], classes: int) -> Architecture:
        """The architecture of a point: what its key is made of. Arguments and errors as those of `graph`."""
        return Architecture.from_graph(self.graph(point, input_shape, classes))

    def cost(self, point: Point, input_shape: Sequence[int], classes: int) -> Cost:
        """Parameters and multiply-adds as published: of all layers, also where the architecture leaves some out."""
        graph = self.graph(point, input_shape, classes)
        return Cost(counters.parameters(graph), counters.macs_of_all(graph))

    def encode(self, point: Point, kind: str) -> dict[str, float]:
        """A point as numbers under names; what has no name there is 0.

        Parameters
        ----------
        point
            Which.
        kind
            "adjacency": each edge, and the label of each node. "path": each way from an input to the output, by its labels.
            "one_hot": each choice. See [1]_.

        References
        ----------
        .. [1] C. White et al., "A Study on Encodings for Neural Architecture Search", NeurIPS 2020.
        """
        self.check(point)
        if kind == "one_hot":
            return self.one_hot(point)
        if kind not in ENCODINGS:
            raise PointError(f"no encoding {kind!r}; there are {', '.join(ENCODINGS)}")
        found: dict[str, float] = {}
        for name, wiring in self.wirings(point).items():
            if kind == "path":
                found |= {f"{name} {' > '.join(way)}".rstrip(): 1.0 for way in wiring.paths()}
            else:
                found |= {f"{name} {source}>{target}": 1.0 for source, target in wiring.edges}
                found |= {f"{name} {node}={label}": 1.0 for node, label in enumerate(wiring.labels) if label}
        return found


def image_of(input_shape: Sequence[int], space: str, *, least: int, even: int = 1) -> tuple[int, int, int]:
    """(C, H, W) if it fits: H and W at least so large, and divisible by `even`.

    Raises
    ------
    PointError
        If it does not.
    """
    shape = tuple(input_shape)
    if len(shape) != 3 or any(type(size) is not int or size < 1 for size in shape):
        raise PointError(f"{space} takes images: (channels, height, width), not {shape}")
    channels, height, width = shape
    if min(height, width) < least or height % even or width % even:
        what = f"at least {least} pixels on each side" + (f", divisible by {even}" if even > 1 else "")
        raise PointError(f"{space} takes images of {what}, not {height} x {width}")
    return channels, height, width
