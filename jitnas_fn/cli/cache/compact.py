"""`jitnas cache compact`."""

from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.cache._words import IdleSeconds
from jitnas_fn.client.cache import shared_at
from jitnas_fn.stores.careful import shown
from jitnas_fn.stores.places import NoStore
from jitnas_fn.stores.segments import IDLE_SECONDS, SegmentStore

NOTHING = {"merged": False, "segments": 0, "entries": 0, "bytes": 0}


def compact(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder of a shared store.")],
    *,
    idle_seconds: IdleSeconds = IDLE_SECONDS,
    as_json: options.AsJson = False,
) -> None:
    """Merge what writers have finished in a shared store, and bring its MANIFEST.json, the basis of `sync`, up to date.

    Everybody may read and write meanwhile. Whoever looks after the store runs this every few minutes, by cron.
    """
    with answering(as_json=as_json) as answer:
        try:
            store = SegmentStore(shared_at(path).path)
        except NoStore as reason:
            if not _is_empty(path):
                raise typer.BadParameter(str(reason)) from None
            answer.give(NOTHING, text=f"nothing to merge yet: {shown(path)} is empty (is it mounted?)")
            return
        done = store.compact(idle_seconds=idle_seconds)
        if done is None:
            answer.give(NOTHING, text="another process is at it")
            return
        fields = {"merged": True, "segments": done.segments, "entries": done.lines, "bytes": done.bytes}
        merged = f"{done.segments:,} segments with {done.lines:,} entries ({done.bytes / 1e6:.1f} MB) merged"
        text = merged if done.segments else "nothing to merge"
        answer.give(fields, text=f"{text}; the manifest is generation {done.generation}")


def _is_empty(path: Path) -> bool:
    """Whether nobody has appended to this folder yet. Nothing is made in it: it may be where a mount is missing."""
    return path.is_dir() and not any(path.iterdir())


COMMAND = compact
