"""Step functions: what a search had come to by when, against evaluations or against seconds."""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

MOST_PLACES = 400  # of a grid: more than a figure can show


@dataclass(frozen=True, slots=True)
class Steps:
    """A function that has a value from each of its places on, until the next.

    Attributes
    ----------
    places
        Where it changes, strictly rising.
    values
        From there on, as many.
    end
        Up to where it was observed; beyond, the last value stays.
    """

    places: tuple[float, ...]
    values: tuple[float, ...]
    end: float

    @classmethod
    def through(cls, pairs: Iterable[tuple[float, float]], *, end: float) -> Self:
        """The function through (place, value), the places rising or equal; of several at one place, the last holds."""
        by_place = dict(pairs)
        return cls(tuple(by_place), tuple(by_place.values()), end)

    @classmethod
    def best_so_far(cls, pairs: Iterable[tuple[float, float | None]], *, end: float) -> Self:
        """The greatest value by each place; None is a value that there was not."""
        rising: list[tuple[float, float]] = []
        for place, value in pairs:
            if value is not None and (not rising or value > rising[-1][1]):
                rising.append((place, value))
        return cls.through(rising, end=end)

    def at(self, place: float) -> float | None:
        """The value at a place; None before the first."""
        index = bisect.bisect_right(self.places, place) - 1
        return None if index < 0 else self.values[index]

    def regret(self, optimum: float, *, direction: str = "maximise") -> "Steps":
        """How far each value is from the best that there is, 0 for that itself.

        Parameters
        ----------
        optimum
            The best that there is.
        direction
            "maximise" or "minimise": which values are better.
        """
        sign = 1.0 if direction == "maximise" else -1.0
        return Steps(self.places, tuple(sign * (optimum - value) for value in self.values), self.end)


def common_grid(functions: Sequence[Steps], *, most: int = MOST_PLACES) -> list[float]:
    """Places at which several functions are compared: where all have begun, and any of them changes or ends.

    Between two of them no function changes, so means over them are exact; unless there are more than `most`, of which some
    are left out, as evenly as possible.
    """
    begun = [function for function in functions if function.places]
    if not begun:
        return []
    first = max(function.places[0] for function in begun)
    changes = {place for function in begun for place in (*function.places, function.end) if place > first}
    places = [first, *sorted(changes)]
    if len(places) <= most:
        return places
    return [places[round(number * (len(places) - 1) / (most - 1))] for number in range(most)]
