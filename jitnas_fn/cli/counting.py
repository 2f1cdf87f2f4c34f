"""How many of how many are done, on standard error: a bar on a terminal, nothing anywhere else, where one line says all."""

import contextlib
import sys
from collections.abc import Iterator

from jitnas_fn.client.tables import Show, quietly


@contextlib.contextmanager
def counting(what: str, *, of_bytes: bool = False) -> Iterator[Show]:
    """Something to tell how many are done, and of how many.

    Parameters
    ----------
    what
        Is counted or done, in a word or two.
    of_bytes
        Whether the numbers are bytes, for MB to be shown.
    """
    if not sys.stderr.isatty():
        yield quietly
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total)
