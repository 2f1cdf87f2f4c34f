"""Several searches as one line with a band around it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitnas_fn.analysis.steps import Steps

STANDARD_ERROR, QUARTILES = "standard error", "interquartile range"
BANDS = (STANDARD_ERROR, QUARTILES)


class Band(NamedTuple):
    """What several values come to at one place.

    Attributes
    ----------
    middle
        Their mean; beside quartiles their median.
    low, high
        One standard error of the mean below and above; or the quartiles. Of a single value there is neither: None.
    """

    middle: float
    low: float | None
    high: float | None


def band(values: Sequence[float], *, kind: str = STANDARD_ERROR) -> Band:
    """The middle of some values, and a band around it.

    Parameters
    ----------
    values
        At least one.
    kind
        "standard error": mean, and the standard error of the mean, which is the sample's standard deviation over the root of
        its size. "interquartile range": median and quartiles, interpolated between neighbours.
    """
    if kind == STANDARD_ERROR:
        mean = mean_of(values)
        error = standard_error(values)
        return Band(mean, None, None) if error is None else Band(mean, mean - error, mean + error)
    if kind == QUARTILES:
        ordered = sorted(values)
        low, middle, high = (_quantile(ordered, share) for share in (0.25, 0.5, 0.75))
        return Band(middle, None, None) if len(ordered) == 1 else Band(middle, low, high)
    raise ValueError(f"no band {kind[:40]!r}; there are {', '.join(BANDS)}")


def bands_over(functions: Sequence[Steps], places: Sequence[float], *, kind: str = STANDARD_ERROR) -> list[Band]:
    """The band over functions at each place; none of them may begin later (`common_grid` sees to that)."""
    found = []
    for place in places:
        values = [value for function in functions if (value := function.at(place)) is not None]
        found.append(band(values, kind=kind))
    return found


def mean_of(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return math.fsum(values) / len(values)


def deviation_of(values: Sequence[float]) -> float | None:
    """The sample's standard deviation, with one less than their number below; None for a single value."""
    if len(values) < 2:
        return None
    mean = mean_of(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def standard_error(values: Sequence[float]) -> float | None:
    """Of the mean; None for a single value."""
    deviation = deviation_of(values)
    return None if deviation is None else deviation / math.sqrt(len(values))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
