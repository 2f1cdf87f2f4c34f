"""How many of how many are done, on standard error: a bar on a terminal, nothing anywhere else."""

import contextlib
import sys
from collections.abc import Iterator

from jitnas_fn.client.tables import Show, quietly


@contextlib.contextmanager
def counting(what: str) -> Iterator[Show]:
    """Something to tell how many are done, and of how many.

    Parameters
    ----------
    what
        Is counted, in a word or two.
    """
    if not sys.stderr.isatty():
        yield quietly
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total)
