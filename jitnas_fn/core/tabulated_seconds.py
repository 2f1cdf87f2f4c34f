"""How long the trainings of a table took: as published, or judged by those that were, which is always said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, linear_regression
from typing import Any

from jitnas_fn.core.tabulated import Figure, Row, Table

FEWEST = 10  # networks with a published time, for a line through them


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds as a straight line over multiply-adds, by least squares.

    Attributes
    ----------
    intercept, slope
        In seconds, and seconds for each multiply-add of one sample.
    r2
        Share of the variance of the published times that it explains.
    networks
        How many those are.
    """

    intercept: float
    slope: float
    r2: float
    networks: int

    def at(self, macs: int) -> float:
        """Seconds for a network."""
        return max(0.0, self.intercept + self.slope * macs)


class Seconds:
    """The times of one table.

    Parameters
    ----------
    table, rows
        Whose.

    Attributes
    ----------
    lines
        (dataset, recipe) → the line, where there are enough published times.
    """

    def __init__(self, table: Table, rows: Sequence[Row]) -> None:
        self._table, self._rows = table, rows
        known: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for row in rows:
            for figure in row.figures:
                macs = row.sizes.get(figure.dataset, (None, None))[1]
                if figure.seconds is not None and macs is not None:
                    known.setdefault((figure.dataset, figure.recipe), []).append((macs, figure.seconds))
        self.lines = {place: line for place, pairs in known.items() if (line := line_through(pairs)) is not None}

    def judged(self, dataset: str, recipes: Collection[str]) -> dict[str, float | None]:
        """How the seconds of a dataset's trainings by these recipes were judged, each way once → R², None for what is no line.

        Empty where all were published, or nobody can say.
        """
        figures = (
            (row, figure)
            for row in self._rows
            for figure in row.figures
            if figure.dataset == dataset and figure.recipe in recipes
        )
        ways = (self.of(row, figure)[1] for row, figure in figures)
        return {way["by"]: way["r2"] for way in ways if way is not None}

    def of(self, row: Row, figure: Figure) -> tuple[float | None, dict[str, Any] | None]:
        """Seconds, and how they were judged; None for that where they are published, and for both where nobody can say."""
        if figure.seconds is not None:
            return figure.seconds, None
        for recipe, epochs in sorted(self._table.epochs.items(), key=lambda one: -one[1]):
            part = self._table.part_timed.get((figure.dataset, figure.recipe), 1.0)
            share = part * self._table.epochs[figure.recipe] / epochs
            scaled = "" if recipe == figure.recipe else f", {self._table.epochs[figure.recipe]}/{epochs} of it"
            scaled += "" if part == 1 else f" for {part:.0%} of the samples"
            dataset = self._table.timed_as.get(figure.dataset, figure.dataset)
            of = "" if dataset == figure.dataset else f" of {dataset}"
            for other in row.figures:
                if (other.dataset, other.recipe) == (dataset, recipe) and other.seconds is not None:
                    return other.seconds * share, {"by": f"the published time{of} of {epochs} epochs{scaled}", "r2": None}
            line, macs = self.lines.get((dataset, recipe)), row.sizes.get(figure.dataset, (None, None))[1]
            if line is not None and macs is not None:
                what = f"a line over multiply-adds through {line.networks:,} published times of {dataset}{scaled}"
                return line.at(macs) * share, {"by": what, "r2": line.r2}
        return None, None


def line_through(pairs: Sequence[tuple[int, float]]) -> Line | None:
    """The line through (multiply-adds, seconds); None where there are too few, or all are alike."""
    if len(pairs) < FEWEST:
        return None
    macs, times = zip(*((float(macs), seconds) for macs, seconds in pairs), strict=True)
    if len(set(macs)) == 1 or len(set(times)) == 1:
        return None
    try:
        slope, intercept = linear_regression(macs, times)
        return Line(intercept, slope, round(correlation(macs, times) ** 2, 4), len(pairs))
    except (StatisticsError, OverflowError):  # they differ by less than floats tell, or by more
        return None
