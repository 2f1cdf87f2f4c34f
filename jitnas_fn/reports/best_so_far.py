"""Figures of the best so far, against evaluations and against seconds: as it is, and as regret."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from jitnas_fn.analysis.bands import STANDARD_ERROR
from jitnas_fn.reports._line_panels import draw_lines, draw_regret
from jitnas_fn.reports._plotting import Look, add_legend, label
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.facts import Facts
from jitnas_fn.reports.figure import Absent, Cell, Plot
from jitnas_fn.reports.trajectories import SECONDS, Line, lines

SPLITS = ("validation", "test")
BY_SPLIT = Mapping[str, Sequence[Line]]


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
    name, title = f"best-{against}", f"Best so far against {against}"
    found = {split: lines(evidence, split, against, kind=kind) for split in SPLITS}
    why = _why_not(evidence, found, against)
    if why:
        return Absent(name=name, title=title, why=why)
    said = f"{evidence.metric.capitalize()} of the network that was the best on validation so far, on each split."
    caption = " ".join([said, *_told(evidence, found, against, kind)])
    draw = partial(draw_lines, against=against, direction=evidence.asked.dataset["direction"])
    return _plot(evidence, found, draw, name=name, title=title, caption=caption, against=against, up=evidence.metric)


def regret(evidence: Evidence, against: str, *, kind: str = STANDARD_ERROR) -> Plot | Absent:
    """How far the best network so far is from the best that there is; parameters as those of `best_so_far`."""
    name, title = f"regret-{against}", f"Regret against {against}"
    found = {split: lines(evidence, split, against, kind=kind, optimum=best) for split, best in evidence.optimum.items()}
    unknown = "the best that there is is known only of a published table that is searched without bounds"
    why = _why_not(evidence, found, against) if found else unknown
    if why:
        return Absent(name=name, title=title, why=why)
    said = f"The best {evidence.metric} of the table, less that of the network that was the best on validation so far."
    caption = " ".join([said, *_told(evidence, found, against, kind), "0 is drawn at the lower edge."])
    draw, up = partial(draw_regret, against=against), f"regret in {evidence.metric}"
    return _plot(evidence, found, draw, name=name, title=title, caption=caption, against=against, up=up)


def _plot(
    evidence: Evidence,
    found: BY_SPLIT,
    draw_panel: Callable[[Any, Sequence[Line], Look], None],
    *,
    name: str,
    title: str,
    caption: str,
    against: str,
    up: str,
) -> Plot:
    shown = {split: own for split, own in found.items() if own}

    def draw(figure: Any, panels: Sequence[Any]) -> None:
        for panel, (split, own) in zip(panels, shown.items(), strict=True):
            panel.set_title(split)
            draw_panel(panel, own, Look(evidence.asked.methods))
        panels[0].set_ylabel(f"{label(up)}{evidence.bracketed_unit}")
        add_legend(figure, panels)

    rows: list[list[Cell]] = [
        [split, line.method, line.seeds, place, *band]
        for split, own in shown.items()
        for line in own
        for place, band in zip(line.places, line.bands, strict=True)
    ]
    columns = ("split", "method", "seeds", against, "middle", "low", "high")
    return Plot(name=name, title=title, caption=caption, columns=columns, rows=rows, panels=len(shown), draw=draw)


def _why_not(evidence: Evidence, found: BY_SPLIT, against: str) -> str:
    if not any(found.values()):
        return "no method says in all of its searches what its best network was worth along the way"
    if against == SECONDS and not any(step.seconds for search in evidence.searches for step in search.steps):
        return "no record says how many seconds its training took"
    return ""


def _told(evidence: Evidence, found: BY_SPLIT, against: str, kind: str) -> Iterator[str]:
    """How to read it, and what is not in it."""
    middle, around = ("mean", "one standard error of the mean") if kind == STANDARD_ERROR else ("median", "the quartiles")
    yield f"Line: {middle} over seeds, from where all of them have begun; band: {around}."
    yield "Dotted: what a method that ended earlier had found."
    if against == SECONDS:
        yield "The clock is that of a search for which everything was trained anew, by the seconds in the records,"
        yield f"{evidence.asked.in_flight} at most beside each other. {Facts(evidence).on_seconds}".rstrip()
    else:
        yield "What is asked for again counts again."
    if evidence.top:
        yield "Lines of validation begin with the first network that was trained by the whole recipe."
    for split, own in found.items():
        missing = [method for method in evidence.asked.methods if method not in {line.method for line in own}]
        if not own:
            yield f"What was the best along the way was not measured on {split}."
        elif missing:
            yield f"Not known along the way on {split}: {', '.join(missing)}."
