"""The store that many share: a folder on NFS, Lustre, GPFS or a plain disk, to which everybody appends and nobody waits.

Under the folder are

- `store.json`: {"schema": "jitnas_fn shared store", "schema_version": 1};
- `segments/<writer>.jsonl`: what one writer appended, a log entry in canonical JSON (`jitnas_fn.core.entry`) on each line,
  synced line by line. A writer is 32 random hexadecimal digits and never comes back: whoever opens the store and appends is a
  new one, and one whose segment has grown to 8 MB goes on as another. What follows the last newline was torn by a kill and
  counts for nothing. The last line `{"closed":true}` says that no more will come. While a segment is merged, and for some time
  after, it is called `<writer>.merging`;
- `merged/<32 digits>.jsonl`: a line {"merged_version": 1, "writers": [[writer, bytes], ...]}, then the lines of these writers,
  byte for byte; `<name>.index` beside it is made from it (`jitnas_fn.stores._table`) and may be missing;
- `catalogue/<n>.json`, n from 1: what is merged and where (`jitnas_fn.stores.catalogue`): {schema, schema_version, generation,
  created, merged: [{file, begins, writers: [{writer, chunks: [[lines, bytes, sha256], ...]}]}], open: [{writer, chunks}]}. The
  greatest n counts. `open` says what there was of segments that were not merged yet;
- `MANIFEST.json`: a copy of the newest catalogue, for those who fetch the store from afar;
- `leases/`: who is training what (`jitnas_fn.stores.leases`).

A line is named by its writer and its number, from 0, whatever file it lies in: a cursor is {writer: number of lines seen}. A
reader takes the newest catalogue, then the segments whose writers are not in it; if there is a newer catalogue by then, it
begins again. Nothing depends on locks, on atomic appends or on the order of a listing.
"""

import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import LeaseLost, StoreError
from jitnas_fn.core.interfaces import Cursor, Store, Taken
from jitnas_fn.core.record import Record
from jitnas_fn.stores._compaction import Compaction, Compactor
from jitnas_fn.stores._forks import mutex_of
from jitnas_fn.stores._indexed import taken
from jitnas_fn.stores._layers import Layers
from jitnas_fn.stores._lines import Heading, heading_of, line_for, line_of
from jitnas_fn.stores._segment import Vanished
from jitnas_fn.stores._view import LOOKS, View
from jitnas_fn.stores._writer import SegmentWriter
from jitnas_fn.stores.leases import Lease, Leases

IDLE_SECONDS, KEEP_SECONDS = 3600.0, 600.0
Answer = TypeVar("Answer")


class SegmentStore(Layers):
    """The entries of one shared folder.

    Any number of processes on any machines may read and append at once. It may be used from several threads; after a fork
    parent and child append to segments of their own.

    Parameters
    ----------
    folder
        Where it is; made by the first append.
    look_seconds
        For how long a look-up may rely on the last look at the folder, which takes some calls to a server. [seconds]

    Attributes
    ----------
    folder
        Where it is.

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn wrote to it.
    StoreError
        If it cannot be read.
    """

    def __init__(self, folder: str | os.PathLike[str], *, look_seconds: float = 0.0) -> None:
        self.folder = Path(folder)
        self._view = View(self.folder, look_seconds=look_seconds)
        self._writer = SegmentWriter(self.folder / "segments")
        self._doubtful: set[Heading] = set()
        self._mutex = mutex_of(self)
        self._finalizer = weakref.finalize(self, self._writer.close)
        self._layers()

    def put(self, record: Record) -> None:
        """Keep a record. Once this returns it survives any kill. One that is there already is not kept twice."""
        heading, line = line_for(record)
        self.keep({heading: line})

    def append(self, entry: Entry) -> None:
        """Keep an entry of any kind. Once this returns it is on the disk.

        Raises
        ------
        RecordError
            If the entry is not one that could be read again.
        StoreError
            If it cannot be written; nothing that was there is harmed.
        """
        self.extend([entry])

    def extend(self, entries: Iterable[Entry]) -> None:
        """Keep many entries, which are synced to the disk together. Raises as `append` does."""
        self.keep({heading_of(entry): line_of(entry) for entry in entries})

    def take(self, lines: Iterable[bytes]) -> Taken:
        """Keep log entries that come as lines of JSON, after verifying each; those that are damaged are left out."""
        return taken(self.keep, lines)

    def keep(self, lines: Mapping[Heading, bytes]) -> int:
        """Keep verified lines of those that are not known, and say how many; raises `StoreError` if they cannot be written."""
        with self._mutex:
            lines = self._steadily(partial(self._unknown, lines))
            new = len(lines)
            for _ in range(LOOKS):
                if not lines or self._written(lines):
                    return new
                self._view.look()  # merged meanwhile, with these lines or without
                lines = self._steadily(partial(self._unknown, lines))
        raise StoreError(f"{self.folder} is merged faster than one can write to it: try again")

    def since(self, cursor: Cursor, *, max_bytes: int | None = None) -> tuple[list[Entry], Cursor]:
        """Entries that came after `cursor` (writer → number of its lines seen), and the cursor after them.

        What was merged and is seen costs nothing; each open segment costs a look at its size.

        Parameters
        ----------
        cursor
            Empty for everything. It stays good when segments are merged.
        max_bytes
            Stop before the entries are longer together, but not before the first; None for all. [bytes]
        """
        with self._mutex:
            return self._steadily(lambda: self._view.since(cursor, max_bytes))

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` that is not retracted, best first."""
        return self._steadily(lambda: super(SegmentStore, self).replicates(key))

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture; None if this store has none."""
        return self._steadily(lambda: super(SegmentStore, self).document(fingerprint))

    def records(self) -> Iterator[Record]:
        """Every record that is not retracted, each once."""
        seen: set[str] = set()
        for record in self._again_and_again(super().records):
            if record.record_id not in seen:
                seen.add(record.record_id)
                yield record

    def every_line(self) -> Iterator[bytes]:
        """Every entry as one line of JSON, as it is; some come again where files are merged meanwhile. Nothing is verified."""
        return self._again_and_again(super().every_line)

    def look_afresh(self) -> None:
        """Make sure that what any machine kept until now is seen from now on, whatever NFS remembers."""
        with self._mutex:
            self._view.look_afresh()

    def compact(
        self, *, idle_seconds: float = IDLE_SECONDS, keep_seconds: float = KEEP_SECONDS, clock: Callable[[], float] = time.time
    ) -> Compaction | None:
        """Merge the segments of writers that have ended, and bring `MANIFEST.json` up to date.

        Readers have less to look at then. Everybody may read and write meanwhile.

        Parameters
        ----------
        idle_seconds
            After which a segment counts as ended though its writer did not say so. [seconds]
        keep_seconds
            How long files that were merged stay for those who still read them. [seconds]
        clock
            Seconds since 1970, for tests.

        Returns
        -------
        Compaction | None
            What was done; None if somebody else is at it, or took it over from this process, which was stopped for too long.

        Raises
        ------
        StoreError
            If the disk does not take it; nothing that was there is harmed.
        """
        lease = Leases(self.folder / "leases", clock=clock).claim("compaction")
        if not isinstance(lease, Lease):
            return None
        try:
            compactor = Compactor(
                folder=self.folder, idle_seconds=idle_seconds, keep_seconds=keep_seconds, clock=clock, alive=lease.renew
            )
            return compactor.compact()
        except LeaseLost:  # and somebody else goes on with it
            return None
        finally:
            lease.release(done=True)

    def close(self) -> None:
        """End the segment of this process, so that it may be merged at once. A later append begins another."""
        with self._mutex:
            self._writer.close()

    def _layers(self) -> Sequence[Store]:
        with self._mutex:
            return self._view.files()

    def _layers_with(self, name: str) -> Sequence[Store]:
        with self._mutex:
            return self._view.files_with(name)

    def _hidden(self, names: Iterable[str], layers: Sequence[Store]) -> set[str]:
        with self._mutex:
            return {name for name in names if self._view.is_retracted(name)}

    def _begin_again(self) -> None:
        self._view.forget()

    def _steadily(self, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question, asked again if what it was to be read from was merged meanwhile."""
        for _ in range(LOOKS):
            try:
                return ask()
            except Vanished:
                with self._mutex:
                    self._view.look_for_lost()
        raise StoreError(f"{self.folder} changes faster than it can be read: try again")

    def _again_and_again(self, ask: Callable[[], Iterator[Answer]]) -> Iterator[Answer]:
        """What `ask` gives, from its beginning again if what it was to be read from was merged meanwhile."""
        for _ in range(LOOKS):
            try:
                yield from ask()
            except Vanished:
                with self._mutex:
                    self._view.look_for_lost()
                continue
            return
        raise StoreError(f"{self.folder} changes faster than it can be read: try again")

    def _unknown(self, lines: Mapping[Heading, bytes]) -> dict[Heading, bytes]:
        return {name: line for name, line in lines.items() if name in self._doubtful or not self._view.knows(name)}

    def _written(self, lines: Mapping[Heading, bytes]) -> bool:
        try:
            kept = self._writer.write(list(lines.values()))
        except StoreError:
            self._doubtful |= lines.keys()  # there, perhaps, and not on the disk
            raise
        self._doubtful -= lines.keys()
        if not kept:
            return False
        self._view.note(self._writer.name, self._writer.descriptor, lines)
        return True
