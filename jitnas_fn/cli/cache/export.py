"""`jitnas cache export`."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer

from jitnas_fn import settings
from jitnas_fn.cli import options
from jitnas_fn.cli.answers import answering
from jitnas_fn.cli.cache._words import place_named
from jitnas_fn.cli.failures import say
from jitnas_fn.client.cache import users_store
from jitnas_fn.client.export import FORMATS, in_order, writer_for
from jitnas_fn.core.errors import JitnasError, StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.stores.careful import kind_of, shown
from jitnas_fn.stores.places import CACHE_FILE, NoStore, place_at

USUAL = "csv"


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - for standard output. What was there is replaced.")],
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", help=f"One of {', '.join(FORMATS)}; if not given, the ending of FILE says it, else {USUAL}."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="PATH", help="A cache file, shared folder or snapshot instead of what you can look up."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Write all records to a file: csv for spreadsheets and pandas, jsonl with one whole record on each line.

    They are those that can be looked up, retracted ones left out, sorted by dataset, fingerprint, recipe and seed.
    """
    form = form or _ending(file)
    write = writer_for(form)
    if file == "-":
        with _standard_output() as stream:
            count = write(in_order(_store(source)), stream)
        say(f"{count:,} records written as {form}")
        return
    with answering(as_json=as_json) as answer:
        target = Path(file)
        _check(target)
        with _replacing(target) as stream:
            count = write(in_order(_store(source)), stream)
        text = f"{count:,} records written to {shown(target)} as {form}"
        answer.give({"records": count, "file": str(target), "format": form}, text=text)


def _ending(file: str) -> str:
    """The format that the name of a file ends with; the usual one for a name without an ending."""
    ending = Path(file).suffix.removeprefix(".").lower()
    if ending and ending not in FORMATS:
        raise typer.BadParameter(f"{shown(file)} ends with none of {', '.join(FORMATS)}: say --format")
    return ending or USUAL


def _store(source: str | None) -> Store:
    return users_store() if source is None else place_named(source).store()


def _check(target: Path) -> None:
    """Refuse to write over a store, or over anything but a file."""
    if "\0" in str(target) or not target.name:
        raise typer.BadParameter(f"{shown(target)} is no name of a file")
    kind = kind_of(target, follow=True)
    if kind:
        raise typer.BadParameter(f"{shown(target)} is {kind}, not a file that could be replaced")
    if target.exists() and _is_of_a_store(target):
        raise typer.BadParameter(f"{shown(target)} belongs to a store, which an export would destroy: name another file")


def _is_of_a_store(target: Path) -> bool:
    own = settings.home() / CACHE_FILE
    if own.exists() and target.samefile(own):
        return True
    folder = target.resolve().parent
    for path in (target, folder, folder.parent):
        with contextlib.suppress(NoStore):
            if path.is_dir() or path.stat().st_size:
                place_at(path)
                return True
    return False


@contextlib.contextmanager
def _standard_output() -> Iterator[TextIO]:
    """Standard output in UTF-8, whatever the terminal's own encoding."""
    sys.stdout.flush()
    try:
        descriptor = os.dup(sys.stdout.fileno())
    except (OSError, ValueError):  # a test or a notebook has put something of its own in its place
        yield sys.stdout
        return
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        yield stream


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    """A file that takes the place of `target` when the block has ended well."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    except JitnasError:
        raise
    except OSError as reason:
        raise StoreError(f"{shown(target)} cannot be written ({shown(reason.strerror)}); what was there is unharmed") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


COMMAND = export
