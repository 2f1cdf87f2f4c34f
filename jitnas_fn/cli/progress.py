"""How a training goes, on standard error: a bar on a terminal, a line per epoch anywhere else."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import wait

from jitnas_fn.cli.failures import say
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.status import Status
from jitnas_fn.core.record import Record

Show = Callable[[Status], None]


def watched(evaluation: Evaluation, *, poll_seconds: float) -> Record:
    """Wait for the record and show how it goes; ctrl-C cancels the training."""
    try:
        if not evaluation.done():
            with _bar() if sys.stderr.isatty() else _lines() as show:
                while not wait([evaluation], timeout=poll_seconds).done:
                    show(evaluation.status())
    except KeyboardInterrupt:
        evaluation.cancel()
        raise
    return evaluation.result()


@contextlib.contextmanager
def _lines() -> Iterator[Show]:
    shown = 0

    def show(status: Status) -> None:
        nonlocal shown
        if status.epoch is not None and status.epoch > shown:
            shown = status.epoch
            say(str(status))

    yield show


@contextlib.contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    told_as_it_is = TextColumn("{task.fields[told]}", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), told_as_it_is)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("queued", total=None, told="")

        def show(status: Status) -> None:
            told = str(status).removeprefix(status.state).strip()
            progress.update(bar, description=status.state, completed=status.epoch or 0, total=status.epochs or None, told=told)

        yield show
