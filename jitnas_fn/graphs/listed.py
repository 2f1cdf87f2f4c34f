"""Some points of a space as a space of their own: those that a table has, of a space too large for any table."""

import random
from collections.abc import Sequence
from functools import cached_property

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, Space
from jitnas_fn.graphs.wiring import Wiring


class Listed(Space):
    """Listed points.

    Parameters
    ----------
    whole
        The space that they are of.
    points
        At least one.
    """

    def __init__(self, whole: Space, points: Sequence[Point]) -> None:
        self._whole = whole
        self._points = tuple(dict.fromkeys(points))
        self._known = frozenset(self._points)
        if not self._points:
            raise PointError(f"a part of {whole.name} has at least one point")
        self.about = f"{len(self._points):,} points of: {whole.about}"

    @cached_property
    def name(self) -> str:
        """That of the whole space."""
        return self._whole.name

    @property
    def whole(self) -> Space:
        """The space that they are of."""
        return self._whole

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self._points)

    def sample(self, rng: random.Random) -> Point:
        """One of them, each as likely as any other."""
        return self._points[int(rng.random() * len(self._points))]

    def neighbours(self, point: Point) -> list[Point]:
        """Those that are listed."""
        return [near for near in self._whole.neighbours(point) if near in self._known]

    def mutate(self, point: Point, rng: random.Random) -> Point:
        """A neighbour in the whole space; where that is not listed, any point: a few that are would hold a search for ever."""
        near = self._whole.mutate(point, rng)
        return near if near in self._known else self.sample(rng)

    def check(self, point: Point) -> None:
        """Raise `PointError` if it is not listed."""
        if point not in self._known:
            raise PointError(f"{str(point)[:80]} is none of the {len(self._points):,} points of {self.name} that are listed")

    def written(self, point: Point) -> str:
        """As in the whole space."""
        return self._whole.written(point)

    def read(self, text: str) -> Point:
        """The point that a text stands for; raises `PointError`, also if it is not listed."""
        point = self._whole.read(text)
        self.check(point)
        return point

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """As in the whole space."""
        return self._whole.graph(point, input_shape, classes)

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """As in the whole space."""
        return self._whole.wirings(point)

    def one_hot(self, point: Point) -> dict[str, float]:
        """As in the whole space."""
        return self._whole.one_hot(point)
