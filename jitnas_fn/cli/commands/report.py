"""`jitnas report`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.analysis.bands import BANDS, STANDARD_ERROR
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import Answer, answering
from jitnas_fn.client.standings import one_line
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.graphs.differences.wording import counted
from jitnas_fn.reports.figure import Absent
from jitnas_fn.reports.records import at_hand, beside
from jitnas_fn.reports.report import Report, report
from jitnas_fn.search.saved import SavedRun, names


def report_(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Name of a run, or its folder; without one, all are listed.")
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the report; else `report` in that of the run.")] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="Of a replay: the file of its table, if it was not imported.")
    ] = None,
    band: Annotated[str, typer.Option("--band", help=f"Around lines: {' or '.join(BANDS)}.")] = STANDARD_ERROR,
    as_json: options.AsJson = False,
) -> None:
    """Draw what a run came to, and judge it by the fourteen practices of Lindauer and Hutter.

    Figures as SVG and PNG with their numbers as CSV, and a page, report.md, that shows them. It needs matplotlib: pip install
    'jitnas_fn[plots]'.
    """
    if band not in BANDS:
        raise typer.BadParameter(f"no band {band[:40]!r}; there are {', '.join(BANDS)}")
    with answering(as_json=as_json) as answer:
        if run is None:
            _list(answer)
            return
        opened = SavedRun.opened(run)
        evidence = at_hand(opened, table=table)
        made = report(evidence, beside=beside(opened), out=out, kind=band)
        answer.give({"run": opened.name, **made.to_dict()}, text="\n".join(_told(made)))


def _list(answer: Answer) -> None:
    found = list(_runs())
    counts = [f"{counted(len(one['methods']), 'method')}, {counted(one['seeds'], 'seed')}" for one in found]
    lines = [f"{one['name']}: {one['space']} on {one['dataset']}, {told}" for one, told in zip(found, counts, strict=True)]
    if not found:
        lines = ["no run that can be read: jitnas search and jitnas compare make them"]
    answer.give({"runs": found}, text="\n".join(map(one_line, lines)))


def _runs() -> Iterator[Json]:
    """What each run was asked for; those that cannot be read are left out."""
    for name in names():
        try:
            asked = SavedRun.opened(name).asked
        except JitnasError:
            continue
        about = {"name": name, "kind": asked.kind, "space": asked.space, "dataset": asked.dataset["name"]}
        yield {**about, "methods": asked.methods, "seeds": len(asked.seeds)}


def _told(made: Report) -> Iterator[str]:
    absent = [one for one in made.figures if isinstance(one, Absent)]
    yield f"{made.path}"
    yield f"{len(made.figures) - len(absent)} figures"
    yield from (f"not made: {one_line(one.title)}: {one_line(one.why)}" for one in absent)
    for answer in ("yes", "partly", "no"):
        numbers = [str(one.number) for one in made.practices if one.answer == answer]
        yield f"practices {answer}: {', '.join(numbers) or 'none'}"


COMMAND = report_
