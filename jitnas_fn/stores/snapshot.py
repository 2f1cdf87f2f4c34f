"""The published snapshot: a folder of plain files that everybody reads and nobody writes to.

`entries.json` is a TinyDB file with one table, written so that it can also be read line by line: first `{"entries":{`, then
one line `"<n>":<entry>` for each log entry in canonical JSON (`jitnas_fn.core.entry`), n from 1, with a comma after all but
the last, then `}}`. Entries are sorted by kind, name and key. `README.md` is the data card. `MANIFEST.json` states {schema,
schema_version, created, counts {kind: number}, bytes, sha256, files {name: {bytes, sha256}}}; `bytes` and `sha256` are those of
`entries.json`, which name the snapshot exactly, `files` those of the card too.
"""

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from jitnas_fn.core.codec import Json, parse
from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import NewerVersion, RecordError, StoreError
from jitnas_fn.core.record import Record
from jitnas_fn.stores._disk import read_all
from jitnas_fn.stores._index import Index
from jitnas_fn.stores._indexed import IndexedStore
from jitnas_fn.stores._lines import Heading, entry_of, heading_at_a_glance, heading_of
from jitnas_fn.stores._log import Ends
from jitnas_fn.stores._publishing import CARD, ENTRIES, HEAD, MANIFEST, SCHEMA, SCHEMA_VERSION, TAIL, publish
from jitnas_fn.stores._table import Table

__all__ = ["CARD", "ENTRIES", "MANIFEST", "SCHEMA", "SCHEMA_VERSION", "SnapshotStore", "publish"]

FEW = 2_000  # entries that are looked through sooner than an index is made for them
MAX_MANIFEST_BYTES = 1_000_000
MAX_ROW_BYTES = MAX_ENTRY_BYTES + 100
PATIENCE_SECONDS, PAUSE_SECONDS, LOOKS = 2.0, 0.005, 100  # for whoever is publishing just now
Answer = TypeVar("Answer")


class Replaced(StoreError):
    """The snapshot was replaced by another while it was read: whoever asks again is answered from that."""


class SnapshotStore(IndexedStore):
    """The entries of one snapshot, read-only.

    The file is read and its SHA-256 compared when it is opened first; then where each entry is lies in an index, with what the
    file is known by: size, time of its last change, and number on its disk. One that was replaced is opened anew when
    something is next asked. Whatever is handed out is verified then.

    Parameters
    ----------
    folder
        Where `MANIFEST.json` and `entries.json` are.
    index
        File for the index, made if there are many entries; None to keep it in memory. Nothing is written to `folder`.

    Attributes
    ----------
    folder
        As given.
    manifest
        What MANIFEST.json states.

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn published it.
    StoreError
        If it is missing, damaged or no snapshot.
    """

    def __init__(self, folder: str | os.PathLike[str], *, index: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        self.folder = Path(folder)
        self._index_path = None if index is None else Path(index)
        self._known_by: tuple[int, ...] = ()
        self._ends = Ends()
        self._left_out: set[int] = set()
        self.manifest: Json = {}
        self._open_at_first()

    def keep(self, lines: Mapping[Heading, bytes]) -> NoReturn:
        """Refuse: what is published is only replaced as a whole."""
        raise StoreError(f"the snapshot in {self.folder} is read-only: put records into your own cache, in front of it")

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` that is not retracted, best first."""
        return self._steadily(lambda: super(SnapshotStore, self).replicates(key))

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture; None if the snapshot has none."""
        return self._steadily(lambda: super(SnapshotStore, self).document(fingerprint))

    def every_line(self) -> Iterator[bytes]:
        """Every entry as one line of JSON, as it is; from the beginning again if the snapshot was replaced meanwhile."""
        for _ in range(LOOKS):
            with suppress(Replaced):
                yield from super().every_line()
                return
        raise StoreError(f"the snapshot in {self.folder} is replaced faster than it can be read: try again")

    def _steadily(self, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question, asked again if the snapshot was replaced meanwhile."""
        for _ in range(LOOKS):
            with suppress(Replaced):
                return ask()
        raise StoreError(f"the snapshot in {self.folder} is replaced faster than it can be read: try again")

    def _open(self) -> None:
        """Learn what there is, from the index or from the file itself."""
        self.manifest = manifest_in(self.folder)
        with self._file() as file:
            known_by = _known_by(os.fstat(file.fileno()))
            mark = f"{self.manifest.get('sha256')} {known_by}".encode()
            if not self._adopt_table(mark):
                self._check(file)
                self._look_through(file)
                if self._index_path is not None and len(self._ends) > FEW:
                    self._write_table(self._index_path, mark)
        self._known_by = known_by

    def _adopt_table(self, mark: bytes) -> bool:
        """Whether the index is one of this very file; if so it is used."""
        table = None if self._index_path is None else Table.opened(self._index_path)
        if table is None or table.first != hashlib.sha256(mark).hexdigest():
            return False
        self._index, self._ends, self._left_out = Index(table), Ends(table.ends), set(table.left_out)
        return True

    def _write_table(self, path: Path, mark: bytes) -> None:
        with suppress(OSError):
            self._index.write(path, ends=self._ends.to_bytes(), first=mark, last=mark, left_out=self._left_out)
            self._adopt_table(mark)  # and keep in memory no longer what it covers

    def _check(self, file: io.BufferedReader) -> None:
        """Raise `StoreError` if the file is not the one that the manifest states."""
        if hashlib.file_digest(file, "sha256").hexdigest() != self.manifest.get("sha256"):
            raise StoreError(
                f"{self.folder / ENTRIES} is damaged or was edited, or it is just being replaced: its sha256 is not the one in "
                f"{MANIFEST}. Try again; if that does not help get it again, or set JITNAS_SNAPSHOT to another folder"
            )

    def _look_through(self, file: io.BufferedReader) -> None:
        """Index every row."""
        self._index, self._ends, self._left_out = Index(), Ends(), set()
        file.seek(0)
        row, end = file.readline(MAX_ROW_BYTES), len(HEAD) + 1
        is_whole = row == HEAD + b"\n"
        while is_whole and (row := file.readline(MAX_ROW_BYTES)).rstrip(b"\n") != TAIL:
            is_whole = row.startswith(b'"') and row.endswith(b"\n")
            end += len(row)
            self._take(len(self._ends), _unwrapped(row))
            self._ends.append(end)
        if not is_whole or file.read(1):
            raise StoreError(f"{self.folder / ENTRIES} does not have one entry on each line, as a published snapshot has")

    def _take(self, number: int, line: bytes) -> None:
        try:
            self._index.add(heading_at_a_glance(line) or heading_of(entry_of(line)), number)
        except RecordError:
            self._left_out.add(number)

    def _open_at_first(self) -> None:
        """Open it; one that was written just now may be in the middle of it, and gets a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._open()
            except StoreError:
                if time.monotonic() > deadline or not self._is_fresh():
                    raise
                time.sleep(PAUSE_SECONDS)

    def _is_fresh(self) -> bool:
        """Whether one of its files was written within the last seconds."""
        with suppress(OSError):
            written = max((self.folder / name).stat().st_mtime for name in (ENTRIES, MANIFEST))
            return abs(time.time() - written) < PATIENCE_SECONDS
        return False

    def _refresh(self) -> None:
        """Open it anew if it was replaced; whoever publishes replaces two files, a moment apart."""
        deadline = 0.0
        while self._known_by != self._seen():
            try:
                self._open()
            except StoreError:
                deadline = deadline or time.monotonic() + PATIENCE_SECONDS
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_SECONDS)

    def _seen(self) -> tuple[int, ...]:
        try:
            return _known_by(os.stat(self.folder / ENTRIES))  # noqa: PTH116  asked at every look-up
        except OSError:
            return ()

    def _read(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        with self._file() as file:
            if _known_by(os.fstat(file.fileno())) != self._known_by:
                raise Replaced(f"the snapshot in {self.folder} was replaced while it was read: ask again")
            for number in numbers:
                if number not in self._left_out and number < len(self._ends):
                    start = self._ends[number - 1] if number else len(HEAD) + 1
                    file.seek(start)
                    yield number, _unwrapped(read_all(file, self._ends[number] - start))

    def _file(self) -> io.BufferedReader:
        try:
            return (self.folder / ENTRIES).open("rb")
        except (OSError, ValueError) as reason:
            raise _unreadable(self.folder, reason) from None

    def _set_aside(self, number: int, line: bytes) -> None:
        """What does not verify is left out; the file is not ours to change."""
        self._left_out.add(number)

    def _mark(self) -> tuple[str, int]:
        return str(self.manifest["sha256"])[:16], len(self._ends)


def manifest_in(folder: Path) -> Json:
    """What MANIFEST.json states; raises `StoreError`, or `NewerVersion` for a later format."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1).decode("utf-8", errors="replace")
    except (OSError, ValueError) as reason:
        raise _unreadable(folder, reason) from None
    manifest = parse(text, max_bytes=MAX_MANIFEST_BYTES, error=StoreError, what=f"manifest ({path})")
    version = manifest.get("schema_version")
    if manifest.get("schema") != SCHEMA or type(version) is not int:
        raise StoreError(f"{path} is not the manifest of a {SCHEMA}")
    if version > SCHEMA_VERSION:
        raise NewerVersion(
            f"the snapshot in {folder} has format {version}; this jitnas_fn reads up to {SCHEMA_VERSION}: please upgrade"
        )
    return manifest


def _known_by(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _unwrapped(row: bytes) -> bytes:
    """The line of the entry in a row `"<n>":<entry>,`."""
    return row.partition(b":")[2].rstrip(b"\n").removesuffix(b",") + b"\n"


def _unreadable(folder: Path, reason: Exception) -> StoreError:
    return StoreError(f"there is no snapshot to be read in {folder} ({reason})")
