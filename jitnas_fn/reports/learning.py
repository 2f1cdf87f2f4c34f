"""The figure of how the chosen networks learned, where their records have curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jitnas_fn.core.bounds import finite
from jitnas_fn.reports._plotting import Look, add_legend, label
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.figure import Absent, Cell, Plot

NAME, TITLE = "learning-curves", "How the chosen networks learned"


@dataclass(frozen=True, slots=True)
class Curve:
    """One measure of one training.

    Attributes
    ----------
    method, seed, key
        Who chose the network, and its task.
    split, metric
        What was measured.
    values
        One for each epoch; None where there was none.
    """

    method: str
    seed: int
    key: str
    split: str
    metric: str
    values: Sequence[float | None]


def curves_of(evidence: Evidence) -> list[Curve]:
    """Of the network that each search chose: its metric on validation, and its loss in training."""
    found = []
    for search in evidence.searches:
        record = None if evidence.store is None or search.key is None else evidence.store.get(search.key)
        for split, metric in (("validation", evidence.metric), ("train", "loss")):
            curve = [] if record is None else record.curves.get(split, {}).get(metric) or []
            values = [finite(value) for value in curve]
            if any(value is not None for value in values):
                found.append(Curve(search.method, search.seed, str(search.key), split, metric, values))
    return found


def learning_curves(evidence: Evidence) -> Plot | Absent:
    """One thin line for each search, a panel for each measure."""
    found = curves_of(evidence)
    if not found:
        why = "records of a published table have no curves" if evidence.asked.table else "no record at hand has curves"
        return Absent(name=NAME, title=TITLE, why=why)
    panels = list(dict.fromkeys((curve.split, curve.metric) for curve in found))

    def draw(figure: Any, axes: Sequence[Any]) -> None:
        look = Look(evidence.asked.methods)
        for panel, (split, metric) in zip(axes, panels, strict=True):
            _draw(panel, [curve for curve in found if (curve.split, curve.metric) == (split, metric)], look)
            unit = evidence.bracketed_unit if metric == evidence.metric else ""
            panel.set_ylabel(f"{label(split)} {label(metric)}{unit}")
        add_legend(figure, axes)

    rows: list[list[Cell]] = [
        [curve.method, curve.seed, curve.key, curve.split, curve.metric, epoch, value]
        for curve in found
        for epoch, value in enumerate(curve.values, start=1)
    ]
    recipe = evidence.plans[evidence.top].name
    return Plot(
        name=NAME,
        title=TITLE,
        caption=f"One line for each search: the training of the network that it chose, by {recipe}.",
        columns=("method", "seed", "key", "split", "metric", "epoch", "value"),
        rows=rows,
        panels=len(panels),
        draw=draw,
    )


def _draw(panel: Any, curves: Sequence[Curve], look: Look) -> None:
    from matplotlib.ticker import MaxNLocator

    named: set[str] = set()
    counts = {method: sum(curve.method == method for curve in curves) for method in {curve.method for curve in curves}}
    for curve in curves:
        name = None if curve.method in named else f"{label(curve.method)}, n = {counts[curve.method]}"
        named.add(curve.method)
        values = [float("nan") if value is None else value for value in curve.values]
        panel.plot(
            range(1, len(values) + 1),
            values,
            color=look.colour(curve.method),
            marker=look.marker(curve.method),
            markersize=3,
            linewidth=1,
            alpha=0.75,
            label=name,
        )
    panel.set_xlabel("epoch")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
