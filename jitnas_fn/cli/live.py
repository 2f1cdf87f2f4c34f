"""How searches go, on standard error: a live table on a terminal, a line per step anywhere else."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from jitnas_fn.cli.failures import say
from jitnas_fn.search.comparison import Show
from jitnas_fn.search.found import Step

LONGEST_POINT = 60
COLUMNS = ("method", "seed", "step", "validation", "best", "trained", "again", "seconds", "point")


@contextlib.contextmanager
def live_table() -> Iterator[Show]:
    """Something to tell the method, the seed and each step to."""
    if not sys.stderr.isatty():
        yield lambda method, seed, step: say(_line(method, seed, step))
        return
    from rich.console import Console
    from rich.live import Live

    rows: dict[tuple[str, int], list[str]] = {}
    tally: dict[tuple[str, int], list[float]] = {}
    with Live(console=Console(stderr=True), refresh_per_second=8, transient=True) as live:

        def show(method: str, seed: int, step: Step) -> None:
            counts = tally.setdefault((method, seed), [0, 0, 0.0])
            counts[0] += step.source == "trained" and not step.again
            counts[1] += step.again
            counts[2] += step.seconds
            trained, again, seconds = f"{counts[0]:.0f}", f"{counts[1]:.0f}", f"{counts[2]:,.1f}"
            told = [f"{step.number}", number(step.value), number(step.best), trained, again, seconds, cut(step.point)]
            rows[method, seed] = [method, str(seed), *told]
            live.update(_table(list(rows.values()), height=live.console.height))

        yield show


def number(value: float | None) -> str:
    """A value with four digits, or a dash."""
    return "-" if value is None else f"{value:.4f}"


def cut(point: str) -> str:
    """A point as it is written, in one short line."""
    return point if len(point) <= LONGEST_POINT else f"{point[: LONGEST_POINT - 1]}…"


def _line(method: str, seed: int, step: Step) -> str:
    value, best = number(step.value), number(step.best)
    return f"{method} seed {seed}  {step.number:>4}  {value:>7}  best {best:>7}  {step.source:<7}  {cut(step.point)}"


def _table(rows: list[list[str]], *, height: int) -> Any:
    """The last searches, as many as fit."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    shown = rows[-max(1, height - 3) :]
    for place, name in enumerate(COLUMNS):
        widest = None if name == "point" else max(len(cell) for cell in (name, *(row[place] for row in shown)))
        table.add_column(name, justify="left" if name in ("method", "point") else "right", no_wrap=True, min_width=widest)
    for row in shown:
        table.add_row(*map(Text, row))
    return table
