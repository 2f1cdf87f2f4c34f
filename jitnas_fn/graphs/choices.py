"""Spaces whose points make one choice at each of several places, out of a few options there."""

import math
import random
from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.space import Point, Space


class Choices(Space):
    """A point is a tuple with the number of an option for each place.

    Parameters
    ----------
    options
        Names of the options at each place.
    """

    def __init__(self, options: Sequence[Sequence[str]]) -> None:
        self.options = tuple(tuple(names) for names in options)
        self._counts = tuple(len(names) for names in self.options)
        self._open = [place for place, count in enumerate(self._counts) if count > 1]

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self._counts)

    def sample(self, rng: random.Random) -> Point:
        """A point, each as likely as any other."""
        draw = rng.random
        return tuple([int(draw() * count) for count in self._counts])

    def mutate(self, point: Point, rng: random.Random) -> Point:
        """One of the neighbours: another option at one place, each place as likely as any other."""
        place = self._open[int(rng.random() * len(self._open))]
        option = int(rng.random() * (self._counts[place] - 1))
        return (*point[:place], option + (option >= point[place]), *point[place + 1 :])

    def neighbours(self, point: Point) -> list[Point]:
        """All points with another option at one place."""
        self.check(point)
        return [
            (*point[:place], option, *point[place + 1 :])
            for place, count in enumerate(self._counts)
            for option in range(count)
            if option != point[place]
        ]

    def check(self, point: Point) -> None:
        """Raise `PointError` if this is no point of the space."""
        fits = isinstance(point, tuple) and len(point) == len(self._counts)
        if not fits or not all(type(one) is int and 0 <= one < count for one, count in zip(point, self._counts, strict=True)):
            raise PointError(
                f"a point of {self.name} is a tuple of {len(self._counts)} numbers below {self._counts}, not {str(point)[:80]}"
            )

    def one_hot(self, point: Point) -> dict[str, float]:
        """1 for the option at each place."""
        return {f"{place}={self.options[place][option]}": 1.0 for place, option in enumerate(point)}

    def option(self, place: int, name: str) -> int:
        """The number of an option; raises `PointError` if there is none of that name."""
        if name not in self.options[place]:
            raise PointError(f"no {name[:40]!r} at place {place} of {self.name}; there are {', '.join(self.options[place])}")
        return self.options[place].index(name)
