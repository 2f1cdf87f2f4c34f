"""How far a command has come that reads a whole store: a bar on a terminal, nothing anywhere else, where one line says all."""

import contextlib
import sys
from collections.abc import Iterator

from jitnas_fn.stores._progress import Progress, untold


@contextlib.contextmanager
def byte_bar(doing: str) -> Iterator[Progress]:
    """Something to tell bytes to, and how many there are in all.

    Parameters
    ----------
    doing
        What is done, in one word.
    """
    if not sys.stderr.isatty():
        yield untold
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(doing, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total)
