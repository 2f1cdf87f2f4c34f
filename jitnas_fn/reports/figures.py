"""All figures of a run, into a folder: each as SVG and PNG, with its numbers beside it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.analysis.bands import STANDARD_ERROR
from jitnas_fn.core.errors import StoreError
from jitnas_fn.graphs.problem import Aliases
from jitnas_fn.reports import _plotting
from jitnas_fn.reports.best_so_far import best_so_far, regret
from jitnas_fn.reports.cells import cells
from jitnas_fn.reports.costs import accuracy_cost
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.figure import Absent, Figure, Picture
from jitnas_fn.reports.learning import learning_curves
from jitnas_fn.reports.measures import between_datasets, between_recipes
from jitnas_fn.reports.sheets import write_sheet
from jitnas_fn.reports.trajectories import EVALUATIONS, SECONDS

NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}")  # of a file: it may come from a run's folder, which anybody may have written


@dataclass(frozen=True, slots=True)
class Made:
    """A figure that lies in the folder.

    Attributes
    ----------
    name, title, caption
        See `Plot`.
    files
        Names of its files; the first is the one to be shown.
    """

    name: str
    title: str
    caption: str
    files: Sequence[str]


def figures_of(
    evidence: Evidence, *, beside: Sequence[Evidence], known: Aliases, kind: str = STANDARD_ERROR
) -> Iterator[Figure]:
    """Every figure that a run may have.

    Parameters
    ----------
    evidence
        Of the run.
    beside
        Of runs in the same space and by the same recipe on other datasets.
    known
        Fingerprints of points.
    kind
        Of the bands; see `analysis.bands`.
    """
    for against in (EVALUATIONS, SECONDS):
        yield best_so_far(evidence, against, kind=kind)
    for against in (EVALUATIONS, SECONDS):
        yield regret(evidence, against, kind=kind)
    yield accuracy_cost(evidence)
    yield between_recipes(evidence)
    yield between_datasets(evidence, beside, known)
    yield learning_curves(evidence)
    yield from cells(evidence)


def make_figures(figures: Iterator[Figure], folder: Path) -> list[Made | Absent]:
    """Draw figures into a folder, which is made; what is absent stays so.

    Raises
    ------
    StoreError
        If matplotlib is not installed, or the folder cannot be written to.
    """
    _plotting.needed()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_made(figure, folder) for figure in figures]
    except OSError as reason:
        if isinstance(reason, StoreError):
            raise
        raise StoreError(f"the report cannot be written to {folder} ({reason})") from None


def _made(figure: Figure, folder: Path) -> Made | Absent:
    if isinstance(figure, Absent):
        return figure
    if not NAME.fullmatch(figure.name):
        return Absent(name="figure", title=figure.title, why="its name cannot be that of a file")
    if isinstance(figure, Picture):
        files = [f"{figure.name}.svg"]
        (folder / files[0]).write_text(figure.svg, "utf-8")
    else:
        files = [f"{figure.name}.{ending}" for ending in ("png", "svg", "csv")]
        _plotting.save(figure, [folder / file for file in files[:2]])
        write_sheet(folder / files[2], figure.columns, figure.rows)
    return Made(figure.name, figure.title, figure.caption, files)
