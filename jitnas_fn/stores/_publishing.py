"""How a snapshot is written: the same entries give the same bytes, and at no moment half of one lies beside half of another."""

import contextlib
import hashlib
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._lines import Heading, heading_of, line_of

SCHEMA, SCHEMA_VERSION = "jitnas_fn snapshot", 1
ENTRIES, MANIFEST, CARD = "entries.json", "MANIFEST.json", "README.md"
HEAD, TAIL = b'{"entries":{', b"}}"


def publish(folder: Path, entries: Iterable[Entry], *, created: str, card: Callable[[], str] | None = None) -> Json:
    """Write a snapshot of `entries`, each once, over the one that was there; a reader in between is told that they differ.

    Of a record and its redacted copy the record is taken. Every entry is verified; if one does not verify, nothing is written.

    Parameters
    ----------
    folder
        Where to; made if it is missing.
    entries
        What to publish, in any order.
    created
        When. [UTC, ISO 8601]
    card
        Gives the text of the data card, README.md, once all entries were taken; None to leave that file as it is.

    Returns
    -------
    Json
        The manifest.

    Raises
    ------
    RecordError
        If an entry does not verify.
    StoreError
        If it cannot be written; what was published before is unharmed then.
    """
    lines: dict[tuple[str, str], tuple[Heading, bytes]] = {}
    for entry in entries:
        line, heading = line_of(entry), heading_of(entry)
        held = lines.get((heading.kind, heading.name))
        if held is None or (held[0].shut and not heading.shut):
            lines[heading.kind, heading.name] = heading, line
    text = None if card is None else card().encode("utf-8")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _replaced(folder, lines, created=created, card=text)
    except OSError as reason:
        raise StoreError(f"no snapshot can be published in {folder} ({reason}): name a folder that you can write to") from None


def _replaced(folder: Path, lines: dict[tuple[str, str], tuple[Heading, bytes]], *, created: str, card: bytes | None) -> Json:
    """Write all files beside those that are there, then put them in place, the manifest last."""
    ordered = [lines[name] for name in sorted(lines)]
    with contextlib.ExitStack() as drafts:
        entries, stated = drafts.enter_context(_draft(folder / ENTRIES, _rows([line for _, line in ordered])))
        replacing = [(entries, folder / ENTRIES)]
        files = {ENTRIES: stated}
        if card is not None:
            draft, files[CARD] = drafts.enter_context(_draft(folder / CARD, [card]))
            replacing.append((draft, folder / CARD))
        elif (folder / CARD).is_file():
            files[CARD] = _stated([(folder / CARD).read_bytes()])
        manifest = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "created": created,
            "counts": Counter(heading.kind for heading, _ in ordered),
            **files[ENTRIES],
            "files": files,
        }
        draft, _ = drafts.enter_context(_draft(folder / MANIFEST, [canonical(manifest).encode("ascii") + b"\n"]))
        for temporary, path in [*replacing, (draft, folder / MANIFEST)]:
            temporary.replace(path)
    return manifest


def _rows(lines: list[bytes]) -> Iterator[bytes]:
    yield HEAD + b"\n"
    for number, line in enumerate(lines, start=1):
        yield b'"%d":%s%s\n' % (number, line.rstrip(b"\n"), b"," if number < len(lines) else b"")
    yield TAIL + b"\n"


@contextlib.contextmanager
def _draft(path: Path, parts: Iterable[bytes]) -> Iterator[tuple[Path, Json]]:
    """A file beside `path`, on the disk, and its size and hash; gone after the block unless it was moved."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            stated = _stated(_written(parts, file.write))
            file.flush()
            os.fsync(file.fileno())
        yield temporary, stated
    finally:
        temporary.unlink(missing_ok=True)


def _written(parts: Iterable[bytes], write: Callable[[bytes], object]) -> Iterator[bytes]:
    for part in parts:
        write(part)
        yield part


def _stated(parts: Iterable[bytes]) -> Json:
    size, taken = 0, hashlib.sha256()
    for part in parts:
        size += len(part)
        taken.update(part)
    return {"bytes": size, "sha256": taken.hexdigest()}
