"""Figures of whether two measures put networks in the same order: two recipes, or two datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from jitnas_fn.analysis.ranks import FEWEST, spearman
from jitnas_fn.graphs.differences.wording import counted
from jitnas_fn.reports._plotting import PLAIN, label
from jitnas_fn.reports.figure import Absent, Cell, Plot

MOST_PANELS = 6
MOST_DOTS = 3000
Measures = Mapping[str, Mapping[str, float]]  # the name of a measure → network → value


@dataclass(frozen=True, slots=True)
class Pair:
    """Two measures of the same networks.

    Attributes
    ----------
    names
        Of the two.
    networks
        Those that have both.
    values
        Of each measure, in the order of the networks.
    correlation
        Spearman's, -1 to 1.
    """

    names: tuple[str, str]
    networks: Sequence[str]
    values: tuple[Sequence[float], Sequence[float]]
    correlation: float


def pairs_of(measures: Measures) -> list[Pair]:
    """Every two measures that have enough networks in common, whose values are not all equal."""
    found = []
    for names in combinations(measures, 2):
        first, second = (measures[name] for name in names)
        networks = [network for network in first if network in second]
        values = [first[network] for network in networks], [second[network] for network in networks]
        correlation = spearman(*values) if len(networks) >= FEWEST else None
        if correlation is not None:
            found.append(Pair((names[0], names[1]), networks, values, correlation))
    return found


def rank_figure(measures: Measures, *, name: str, title: str, caption: str, unit: str, nothing: str) -> Plot | Absent:
    """A panel for each two measures: one value against the other, and their rank correlation.

    Parameters
    ----------
    measures
        Of which networks.
    name, title, caption
        Of the figure.
    unit
        Of all values, in brackets.
    nothing
        Why there is none, if there are no two measures.
    """
    pairs = pairs_of(measures)
    if not pairs:
        return Absent(name=name, title=title, why=_too_few(measures) if len(measures) > 1 else nothing)
    shown = pairs[:MOST_PANELS]

    def draw(figure: Any, axes: Sequence[Any]) -> None:
        for panel, pair in zip(axes, shown, strict=True):
            _draw(panel, pair, unit)

    if len(pairs) > len(shown):
        caption += f" The first {len(shown)} of {len(pairs)} pairs; all are in the table."
    rows: list[list[Cell]] = [
        [*pair.names, pair.correlation, len(pair.networks), network, one, other]
        for pair in pairs
        for network, one, other in zip(pair.networks, *pair.values, strict=True)
    ]
    columns = ("first", "second", "spearman", "networks", "network", "first_value", "second_value")
    return Plot(name=name, title=title, caption=caption, columns=columns, rows=rows, panels=len(shown), draw=draw)


def _too_few(measures: Measures) -> str:
    counts = [len(measures[one].keys() & measures[other].keys()) for one, other in combinations(measures, 2)]
    return f"{counted(max(counts), 'network')} at most with both values of a pair; a correlation is told of {FEWEST}"


def _draw(panel: Any, pair: Pair, unit: str) -> None:
    across, up = pair.values
    many = len(across) > MOST_DOTS
    size, alpha = (3, 0.25) if many else (14, 0.7)
    panel.scatter(across, up, s=size, alpha=alpha, color=PLAIN, linewidth=0, rasterized=many)
    panel.set_title(f"ρ = {pair.correlation:.3f}, n = {len(across):,}")
    panel.set_xlabel(f"{label(pair.names[0])}{unit}")
    panel.set_ylabel(f"{label(pair.names[1])}{unit}")
