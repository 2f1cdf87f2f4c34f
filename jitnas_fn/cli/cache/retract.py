"""`jitnas cache retract`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.client.cache import shared_at, users_store
from jitnas_fn.client.synced import now
from jitnas_fn.core.entry import retraction_entry
from jitnas_fn.core.errors import RecordError, StoreError
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.places import NoStore
from jitnas_fn.stores.segments import SegmentStore

_BEGINNING = re.compile(r"[0-9a-f]{12,63}")  # our own answers print 12 digits


def retract(
    record_id: Annotated[
        str,
        typer.Argument(metavar="RECORD_ID", help="64 hexadecimal digits, or the first 12 or more of a record that is here."),
    ],
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="The folder of a shared store; your cache if not given.")
    ] = None,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for everybody who finds it missing.")],
    as_json: options.AsJson = False,
) -> None:
    """Withdraw a record: it stays where it is, and is hidden from all who have this store, or synchronise from it."""
    with answering(as_json=as_json) as answer:
        where = _opened(path)
        ids = where.record_ids()
        try:
            name = _named(record_id, ids)
            entry = retraction_entry(name, reason, created=now())
        except RecordError as trouble:
            raise typer.BadParameter(str(trouble)) from None
        is_here = name in ids or where.is_retracted(name)
        where.append(entry)
        told = f"record {name[:12]}… is withdrawn: {reason}" + ("" if is_here else " (no such record here yet)")
        if isinstance(where, SegmentStore):
            told += f"; {_announced(where)}"
        answer.give({"record_id": name, "reason": reason, "is_here": is_here}, text=told)


def _opened(folder: Path | None) -> LayeredStore | SegmentStore:
    try:
        return users_store() if folder is None else SegmentStore(shared_at(folder).path)
    except NoStore as trouble:
        raise typer.BadParameter(str(trouble)) from None


def _named(told: str, ids: list[str]) -> str:
    """The record id that is meant: the one given, or the only one here that begins so; raises `RecordError`."""
    beginning = told.rstrip("….")
    if not _BEGINNING.fullmatch(beginning):
        return told
    found = [name for name in ids if name.startswith(beginning)]
    if len(found) != 1:
        count = f"{len(found):,} records" if found else "no record"
        raise RecordError(f"{count} here begin{'' if found else 's'} with {beginning}: give all 64 digits of the record id")
    return found[0]


def _announced(store: SegmentStore) -> str:
    """Bring the manifest up to date, from which others synchronise, and say what became of it."""
    store.close()
    try:
        done = store.compact()
    except StoreError as trouble:
        return f"it will be in the next manifest, since none can be made now: {trouble}"
    return f"it is in manifest {done.generation}" if done else "it will be in the next manifest: another process is at it"


COMMAND = retract
