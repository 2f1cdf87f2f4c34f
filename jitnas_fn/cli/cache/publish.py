"""`jitnas cache publish`."""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.cache._words import place_named
from jitnas_fn.cli.failures import say
from jitnas_fn.client.cache import users_cache
from jitnas_fn.client.summary_card import OUTLINE, Card
from jitnas_fn.core.entry import Entry, architecture_entry, record_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record
from jitnas_fn.stores.places import SNAPSHOT, place_at
from jitnas_fn.stores.snapshot import CARD, publish

PAGE_BYTES = 8_000_000
WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def publish_snapshot(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; a snapshot that is there is replaced.")],
    *,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", metavar="PATH", help="A cache file, shared folder or snapshot instead of your cache; again for more."
        ),
    ] = None,
    redact: Annotated[bool, typer.Option("--redact", help="Leave out the test part of every record.")] = False,
    created: Annotated[
        str | None, typer.Option("--created", help="Time to state, such as 2026-01-02T03:04:05Z; now if not given.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a snapshot that everybody can look up: entries.json, the data card README.md, MANIFEST.json.

    It holds every record that is not retracted and whose architecture is known as a document, these documents, retractions and
    aliases. Each is verified. What is left out is counted on standard error. The same entries and --created give the same
    bytes. Of a data card that is there, the part between its two markers is written anew and the rest kept.
    """
    if created is not None and not WHEN.fullmatch(created):
        raise typer.BadParameter(f"--created is a time such as 2026-01-02T03:04:05Z, not {created[:40]!r}")
    with answering(as_json=as_json) as answer:
        _check_target(folder)
        stores = [place_named(path).store() for path in sources or ()] or [users_cache()]
        card, left_out = Card(), Counter[str]()
        when = created or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with _told() as passing:
            entries = passing(publishable(stores, card, left_out, redact=redact))
            manifest = publish(folder, entries, created=when, card=lambda: card.written_into(_card_in(folder)))
        for why, count in sorted(left_out.items()):
            say(f"jitnas: left out: {count:,} {why}")
        counts = ", ".join(f"{kind} {count:,}" for kind, count in sorted(manifest["counts"].items())) or "nothing"
        told = f"published in {folder}: {counts}; {manifest['bytes']:,} bytes, sha256 {manifest['sha256']}"
        answer.give({**manifest, "folder": str(folder), "left_out": dict(left_out)}, text=told)


def _check_target(folder: Path) -> None:
    """Raise `StoreError` unless a snapshot may be written here: where nothing is yet, or over another snapshot."""
    try:
        taken = folder.is_dir() and any(folder.iterdir()) and place_at(folder).kind != SNAPSHOT
    except StoreError:
        taken = True
    if taken:
        raise StoreError(f"{folder} holds other things: publish into a new folder, or over a snapshot")


def publishable(stores: list[Store], card: Card, left_out: Counter[str], *, redact: bool) -> Iterator[Entry]:
    """What is published of all entries, and each document that the records need, where they first do.

    Parameters
    ----------
    stores
        Where from.
    card, left_out
        Count what is published, and what is not and why.
    redact
        Whether records go without their test part.
    """
    documented: dict[str, bool] = {}
    for entry in (entry for store in stores for entry in _all_of(store)):
        if entry.kind == "record":
            record = Record.from_dict(entry.body["record"])
            fingerprint = record.parts["fingerprint"]
            if any(store.is_retracted(record.record_id) for store in stores):
                left_out["records that are retracted"] += 1
                continue
            yield from _document(fingerprint, stores, documented)
            if not documented[fingerprint]:
                left_out["records whose architecture has no document"] += 1
                continue
            record = record.redacted() if redact else record
            card.add(record)
            yield record_entry(record)
        elif entry.kind == "alias":
            yield from _document(entry.body["fingerprint"], stores, documented)
            yield entry
        elif entry.kind == "retraction":
            yield entry
        elif entry.kind != "architecture":
            left_out["entries of kinds that this version does not know"] += 1


def _all_of(store: Store) -> Iterator[Entry]:
    """Every entry of a store, a page at a time."""
    cursor: dict[str, int] = {}
    while True:
        entries, after = store.since(cursor, max_bytes=PAGE_BYTES)
        yield from entries
        if after == cursor:
            return
        cursor = after


def _document(fingerprint: str, stores: list[Store], documented: dict[str, bool]) -> Iterator[Entry]:
    """The document of an architecture, if there is one and it was not given yet."""
    if fingerprint not in documented:
        document = next((found for store in stores if (found := store.document(fingerprint)) is not None), None)
        documented[fingerprint] = document is not None
        if document is not None:
            yield architecture_entry(fingerprint, document)


@contextmanager
def _told() -> Iterator[Callable[[Iterable[Entry]], Iterable[Entry]]]:
    """Pass entries on, and on a terminal show how many there were."""
    if not sys.stderr.isatty():
        yield lambda entries: entries
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("verifying"), MofNCompleteColumn(), TextColumn("entries"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield partial(shown.track, description="verifying")


def _card_in(folder: Path) -> str:
    """The data card that is there, or the outline of one."""
    try:
        return (folder / CARD).read_text("utf-8")
    except FileNotFoundError:
        return OUTLINE
    except (OSError, ValueError) as reason:
        raise StoreError(f"the data card {folder / CARD} cannot be read ({reason}): mend it, or take it away") from None


COMMAND = publish_snapshot
