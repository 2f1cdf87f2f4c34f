"""Figures of the best so far, against evaluations and against seconds: as it is, and as regret."""

from collections.abc import Mapping, Sequence
from typing import Any

from jitnas_fn.analysis.bands import STANDARD_ERROR
from jitnas_fn.reports._plotting import Look, label, legend_above, logarithmic, time_unit
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.figure import Absent, Cell, Plot
from jitnas_fn.reports.trajectories import SECONDS, Line, lines

SPLITS = ("validation", "test")
UNDER_WAY = 0.1  # of the whole: what came before does not decide how far an axis reaches down


def best_so_far(evidence: Evidence, against: str, *, kind: str = STANDARD_ERROR) -> Plot | Absent:
    """The metric of the best network so far, on validation and on test.

    Parameters
    ----------
    evidence
        Of which run.
    against
        "evaluations" or "seconds".
    kind
        Of the band; see `analysis.bands`.
    """
    found = {split: lines(evidence, split, against, kind=kind) for split in SPLITS}
    return _plot(evidence, found, against, kind, regret=False)


def regret(evidence: Evidence, against: str, *, kind: str = STANDARD_ERROR) -> Plot | Absent:
    """How far the best network so far is from the best that there is; parameters as those of `best_so_far`."""
    found = {split: lines(evidence, split, against, kind=kind, optimum=best) for split, best in evidence.optimum.items()}
    return _plot(evidence, found, against, kind, regret=True)


def _plot(evidence: Evidence, found: Mapping[str, list[Line]], against: str, kind: str, *, regret: bool) -> Plot | Absent:
    name, title = (
        (f"regret-{against}", f"Regret against {against}") if regret else (f"best-{against}", f"Best so far against {against}")
    )
    shown = {split: own for split, own in found.items() if own}
    why = _why_not(evidence, found, shown, against)
    if why:
        return Absent(name=name, title=title, why=why)
    rows: list[list[Cell]] = [
        [line.split, line.method, line.seeds, place, *band]
        for own in shown.values()
        for line in own
        for place, band in zip(line.places, line.bands, strict=True)
    ]

    def draw(figure: Any, axes: Sequence[Any]) -> None:
        look = Look(evidence.asked.methods)
        for panel, (split, own) in zip(axes, shown.items(), strict=True):
            panel.set_title(split)
            _draw(panel, own, look, against, regret=regret, better=evidence.asked.dataset["direction"])
        unit = f" [{evidence.unit}]" if evidence.unit else ""
        axes[0].set_ylabel(f"{'regret in ' if regret else ''}{label(evidence.metric)}{unit}")
        legend_above(figure, axes)

    return Plot(
        name=name,
        title=title,
        caption=_caption(evidence, found, shown, against, kind, regret=regret),
        columns=("split", "method", "seeds", against, "middle", "low", "high"),
        rows=rows,
        panels=len(shown),
        draw=draw,
    )


def _why_not(evidence: Evidence, found: Mapping[str, list[Line]], shown: Mapping[str, list[Line]], against: str) -> str:
    if not found:
        return "the best that there is is known only of a published table that is searched without bounds"
    if not shown:
        return "no method says in all of its searches what its best network was worth along the way"
    if against == SECONDS and not any(step.seconds for search in evidence.searches for step in search.steps):
        return "no record says how many seconds its training took"
    return ""


def _caption(
    evidence: Evidence,
    found: Mapping[str, list[Line]],
    shown: Mapping[str, list[Line]],
    against: str,
    kind: str,
    *,
    regret: bool,
) -> str:
    middle, around = ("mean", "one standard error of the mean") if kind == STANDARD_ERROR else ("median", "the quartiles")
    said = [f"{evidence.metric} of the network that was the best on validation so far, on each split."]
    if regret:
        said = [f"The best {evidence.metric} of the table, less that of the network that was the best on validation so far."]
    said.append(f"Line: {middle} over seeds; band: {around}; dotted: what a method that ended earlier had found.")
    if against == SECONDS:
        said.append(
            "The clock is that of a search for which everything was trained anew, by the seconds in the records, "
            f"{evidence.asked.in_flight} at most beside each other."
        )
    else:
        said.append("What is asked for again counts again.")
    if evidence.top:
        said.append("Lines of validation begin with the first network that was trained by the whole recipe.")
    left_out = {
        split: set(evidence.asked.methods) - {line.method for line in own} for split, own in found.items() if split in shown
    }
    said += [
        f"Not measured along the way on {split}: {', '.join(sorted(names))}." for split, names in left_out.items() if names
    ]
    said += [f"On {split} the best along the way was not measured." for split in found if split not in shown]
    return " ".join(said)


def _draw(panel: Any, own: Sequence[Line], look: Look, against: str, *, regret: bool, better: str) -> None:
    whole = max(line.end for line in own)
    scale, unit = time_unit(whole) if against == SECONDS else (1.0, "")
    floor = _floor(own) if regret else None
    for line in own:
        _draw_line(panel, line, look, scale, whole, floor)
    panel.set_xlabel(f"time [{unit}]" if against == SECONDS else "evaluations")
    if regret:
        panel.set_ylim(bottom=floor)
        logarithmic(panel.xaxis)
        logarithmic(panel.yaxis)
    else:
        panel.set_xlim(0, whole / scale * 1.02)
        _zoom(panel, own, look, better)


def _draw_line(panel: Any, line: Line, look: Look, scale: float, whole: float, floor: float | None) -> None:
    places = [max(place, line.end and 1.0 if floor and place == 0 else place) / scale for place in line.places]
    colour = look.colour(line.method)

    def clipped(values: Sequence[float]) -> list[float]:
        return [value if floor is None else max(value, floor) for value in values]

    middle = clipped([band.middle for band in line.bands])
    low = clipped([band.middle if band.low is None else band.low for band in line.bands])
    high = clipped([band.middle if band.high is None else band.high for band in line.bands])
    panel.fill_between(places, low, high, step="post", color=colour, alpha=0.16, linewidth=0)
    name = f"{label(line.method)}, n = {line.seeds}"
    panel.plot(places, middle, drawstyle="steps-post", color=colour, linestyle=look.dashes(line.method), linewidth=1.7)
    panel.plot(places[-1:], middle[-1:], color=colour, marker=look.marker(line.method), markersize=4.5, label=name)
    if line.end < whole:
        panel.plot([places[-1], whole / scale], [middle[-1]] * 2, color=colour, linestyle=(0, (1, 2)), linewidth=1.3)


def _floor(own: Sequence[Line]) -> float:
    """Below the smallest regret there is, since a logarithm has no 0."""
    values = [value for line in own for band in line.bands for value in (band.middle,) if value > 0]
    return min(values, default=1e-3) / 2


def _zoom(panel: Any, own: Sequence[Line], look: Look, better: str) -> None:
    """Show where methods differ, not how each began; what lies outside is written at the edge."""
    whole = max(line.end for line in own)
    long = [line for line in own if line.end > UNDER_WAY * whole] or own
    late = [band for line in long for place, band in zip(line.places, line.bands, strict=True) if place >= UNDER_WAY * whole]
    late += [line.bands[-1] for line in long]
    values = [value for band in late for value in band if value is not None]
    low, high = min(values), max(values)
    margin = (high - low or abs(high) or 1.0) * 0.06
    panel.set_ylim(low - margin, high + margin)
    outside = [line for line in own if not low - margin <= line.bands[-1].middle <= high + margin]
    for number, line in enumerate(outside):
        below = better == "maximise"
        panel.annotate(
            f"{label(line.method)}: {line.bands[-1].middle:.3g} {'↓' if below else '↑'}",
            (0.99, 0.02 + 0.07 * number if below else 0.98 - 0.07 * number),
            xycoords="axes fraction",
            ha="right",
            va="bottom" if below else "top",
            color=look.colour(line.method),
        )
