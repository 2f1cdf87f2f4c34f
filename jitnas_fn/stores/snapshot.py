"""The published snapshot: a folder of plain files that everybody reads and nobody writes to.

`entries.json` is a TinyDB file with one table, written so that it can also be read line by line: first `{"entries":{`, then
one line `"<n>":<entry>` for each log entry in canonical JSON (`jitnas_fn.core.entry`), n from 1, with a comma after all but
the last, then `}}`. Entries are sorted by kind, name and key. `MANIFEST.json` states {schema, schema_version, created,
counts {kind: number}, bytes, sha256}, the last two of `entries.json`.
"""

import hashlib
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores._indexed import IndexedStore
from jitnas_fn.stores._lines import Heading, entry_of, heading_at_a_glance, heading_of, line_of

SCHEMA = "jitnas_fn snapshot"
SCHEMA_VERSION = 1
ENTRIES, MANIFEST = "entries.json", "MANIFEST.json"
MAX_MANIFEST_BYTES = 1_000_000
_HEAD, _TAIL = b'{"entries":{', b"}}"


class SnapshotStore(IndexedStore):
    """The entries of one snapshot, read-only.

    Parameters
    ----------
    folder
        Where `MANIFEST.json` and `entries.json` are.

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn published it.
    StoreError
        If it is missing, damaged or no snapshot.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.manifest = self._manifest()
        self._lines = self._checked_lines()
        for number, line in enumerate(self._lines):
            self._index.add(heading_at_a_glance(line) or heading_of(entry_of(line)), number)

    def keep(self, lines: Mapping[Heading, bytes]) -> NoReturn:
        """Refuse: what is published is only replaced as a whole."""
        raise StoreError(f"the snapshot in {self.folder} is read-only: put records into your own cache, in front of it")

    def _manifest(self) -> Json:
        text = self._content(MANIFEST).decode("utf-8", errors="replace")
        manifest = parse(text, max_bytes=MAX_MANIFEST_BYTES, error=StoreError, what=f"manifest ({self.folder / MANIFEST})")
        version = manifest.get("schema_version")
        if manifest.get("schema") != SCHEMA or not isinstance(version, int):
            raise StoreError(f"{self.folder / MANIFEST} is not the manifest of a {SCHEMA}")
        if version > SCHEMA_VERSION:
            raise NewerVersion(
                f"the snapshot in {self.folder} has format {version}; this jitnas_fn reads up to {SCHEMA_VERSION}: "
                "please upgrade"
            )
        return manifest

    def _checked_lines(self) -> list[bytes]:
        content = self._content(ENTRIES)
        if hashlib.sha256(content).hexdigest() != self.manifest.get("sha256"):
            raise StoreError(
                f"{self.folder / ENTRIES} is damaged or was edited: its sha256 is not the one in {MANIFEST}. Get it again, "
                "or set JITNAS_SNAPSHOT to another folder"
            )
        head, *lines, tail = content.splitlines() or [b""]
        if head != _HEAD or tail != _TAIL:
            raise StoreError(f"{self.folder / ENTRIES} does not have one entry on each line, as a published snapshot has")
        return [line.partition(b":")[2].removesuffix(b",") + b"\n" for line in lines]

    def _content(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except (OSError, ValueError) as reason:
            raise StoreError(f"there is no snapshot to be read in {self.folder} ({reason})") from None

    def _refresh(self) -> None:
        """Nobody appends."""

    def _read(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        return ((number, self._lines[number]) for number in numbers)

    def _set_aside(self, number: int, line: bytes) -> None:
        """What does not verify is left out; the file is not ours to change."""

    def _mark(self) -> tuple[str, int]:
        return str(self.manifest["sha256"])[:16], len(self._lines)


def publish(folder: Path, entries: Iterable[Entry], *, created: str) -> None:
    """Write a snapshot of `entries`, each once, over the one that was there; a reader in between is told that they differ.

    Parameters
    ----------
    folder
        Where to; made if it is missing.
    entries
        What to publish, in any order.
    created
        When. [UTC, ISO 8601]
    """
    lines = [line_of(entry) for entry in entries]
    named = {heading_of(entry_of(line)): line.rstrip(b"\n") for line in lines}
    ordered = sorted(named, key=lambda heading: (heading.kind, heading.name, heading.key, heading.shut))
    rows = [b'"%d":%s' % (number, named[heading]) for number, heading in enumerate(ordered, start=1)]
    content = b"\n".join([_HEAD, b",\n".join(rows), _TAIL]) if rows else b"\n".join([_HEAD, _TAIL])
    manifest = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "created": created,
        "counts": Counter(heading.kind for heading in ordered),
        "bytes": len(content) + 1,
        "sha256": hashlib.sha256(content + b"\n").hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / ENTRIES, content + b"\n")
    _replace(folder / MANIFEST, canonical(manifest).encode("ascii") + b"\n")


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
