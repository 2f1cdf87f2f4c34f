"""`jitnas cache retract`."""

from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.client.cache import users_cache
from jitnas_fn.client.synced import now
from jitnas_fn.core.entry import retraction_entry
from jitnas_fn.core.errors import RecordError
from jitnas_fn.stores.segments import SegmentStore


def retract(
    record_id: Annotated[str, typer.Argument(metavar="RECORD_ID", help="64 hexadecimal digits.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for everybody who finds it missing.")],
    store: Annotated[Path | None, typer.Option("--store", help="Folder of a shared store; your own cache if left out.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Withdraw a record: it stays where it is, and is hidden from all who have this store, or synchronise from it."""
    with answering(as_json=as_json) as answer:
        try:
            entry = retraction_entry(record_id, reason, created=now())
        except RecordError as told:
            raise typer.BadParameter(str(told)) from None
        where = users_cache() if store is None else SegmentStore(store)
        where.append(entry)
        answer.give({"record_id": record_id, "reason": reason}, text=f"record {record_id[:12]}… is withdrawn: {reason}")


COMMAND = retract
