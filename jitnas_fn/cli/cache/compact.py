"""`jitnas cache compact`."""

import math
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.client.cache import shared_at
from jitnas_fn.stores.places import NoStore
from jitnas_fn.stores.segments import IDLE_SECONDS, SegmentStore


def _finite(seconds: float) -> float:
    if not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no number of seconds")
    return seconds


def compact(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a shared store.")],
    *,
    idle_seconds: Annotated[
        float, typer.Option(min=0, callback=_finite, help="After which a segment counts as ended, closed or not. [s]")
    ] = IDLE_SECONDS,
    as_json: options.AsJson = False,
) -> None:
    """Merge what writers have finished in a shared store, and bring its MANIFEST.json, the basis of `sync`, up to date.

    Everybody may read and write meanwhile. Whoever looks after the store runs this every few minutes, by cron.
    """
    with answering(as_json=as_json) as answer:
        try:
            store = SegmentStore(shared_at(folder).path)
        except NoStore as reason:
            raise typer.BadParameter(str(reason)) from None
        done = store.compact(idle_seconds=idle_seconds)
        if done is None:
            answer.give({"merged": False, "segments": 0, "entries": 0, "bytes": 0}, text="another process is at it")
            return
        fields = {"merged": True, "segments": done.segments, "entries": done.lines, "bytes": done.bytes}
        text = f"{done.segments:,} segments with {done.lines:,} entries ({done.bytes / 1e6:.1f} MB) merged"
        answer.give(fields, text=f"{text}; the manifest is generation {done.generation}")


COMMAND = compact
