"""`jitnas cache repair`."""

from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn import settings
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.cache._words import IdleSeconds
from jitnas_fn.cli.counting import counting
from jitnas_fn.cli.failures import FAILURE, FOUND
from jitnas_fn.stores.places import CACHE, CACHE_FILE, NoStore, Place, place_at
from jitnas_fn.stores.segments import IDLE_SECONDS


def repair(
    path: Annotated[
        str | None,
        typer.Argument(metavar="PATH", help="The file of a cache or the folder of a shared store; your cache if not given."),
    ] = None,
    *,
    idle_seconds: IdleSeconds = IDLE_SECONDS,
    as_json: options.AsJson = False,
) -> None:
    """Cut off torn ends, and keep them aside. Nothing that can be read is removed.

    Also ends a whole entry that lacks its newline, removes wrong indexes, and makes the catalogue of a shared store anew where
    it is lost. Exits with 1 if something is lost that only a backup can bring back.
    """
    from jitnas_fn.stores.repair import repair as repaired

    with answering(as_json=as_json) as answer:
        try:
            place = Place(CACHE, settings.home() / CACHE_FILE) if path is None else place_at(Path(path))
            with counting("repairing", of_bytes=True) as progress:
                done = repaired(place, idle_seconds=idle_seconds, progress=progress)
        except NoStore as reason:
            raise typer.BadParameter(str(reason)) from None
        answer.give(done.to_dict(), text=str(done))
    raise typer.Exit(FAILURE if done.lost else FOUND)


COMMAND = repair
