"""`jitnas cache sync`."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.failures import say
from jitnas_fn.client.cache import users_cache
from jitnas_fn.client.sync import from_url
from jitnas_fn.client.synced import Progress, Show, quietly
from jitnas_fn.core.errors import TaskError


def sync(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="Of a shared store or snapshot; the last one used if left out.")
    ] = None,
    *,
    as_json: options.AsJson = False,
) -> None:
    """Fetch what others trained since the last time. Offline it says how old the cache is."""
    with answering(as_json=as_json) as answer:
        cache = users_cache()
        progress = Progress(cache)
        with _bar() if sys.stderr.isatty() else contextlib.nullcontext(quietly) as show:
            done = from_url(url or _usual(progress), cache, show=show, progress=progress)
        if not done.reached:
            say(f"jitnas: {done}")
        answer.give(done.to_dict(), text=str(done) if done.reached else "nothing new: offline")


def _usual(progress: Progress) -> str:
    """Where the cache is usually filled from: `$JITNAS_SYNC`, else where it was filled from last."""
    named = os.environ.get("JITNAS_SYNC")
    known = {name: str(state.get("when", "")) for name, state in progress.sources().items() if name != "site"}
    if not named and not known:
        raise TaskError("name the URL of a shared store or snapshot: jitnas cache sync URL (or set JITNAS_SYNC)")
    return named or max(known, key=lambda name: known[name])


@contextlib.contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("synchronising"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("", total=None)
        yield lambda read, whole: shown.update(bar, completed=read, total=whole)


COMMAND = sync
