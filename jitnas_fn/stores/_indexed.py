"""The part that all stores share: questions answered by an index, answers verified before they are handed out."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import RecordError
from jitnas_fn.core.interfaces import Cursor, Taken
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import is_key
from jitnas_fn.stores._forks import mutex_of
from jitnas_fn.stores._index import Index
from jitnas_fn.stores._lines import Heading, entry_of, heading_of, line_for, line_of, record_of

BATCH = 256
Held = TypeVar("Held")


class IndexedStore(ABC):
    """Lines with an index. A subclass says where the lines are; it may be used from several threads."""

    def __init__(self) -> None:
        self._index = Index()
        self._mutex = mutex_of(self)

    @abstractmethod
    def keep(self, lines: Mapping[Heading, bytes]) -> int:
        """Keep lines, which were verified, of those that are not known. Once this returns they survive any kill.

        Returns
        -------
        int
            How many were not known.
        """

    def append(self, entry: Entry) -> None:
        """Keep an entry of any kind. Once this returns it survives any kill.

        Raises
        ------
        RecordError
            If the entry is not one that could be read again.
        StoreError
            If it cannot be written; nothing that was there is harmed.
        """
        self.extend([entry])

    def knows(self, heading: Heading) -> bool:
        """Whether an entry with this heading would add nothing: a line that was seen has it, and is whole."""
        with self._mutex:
            if not self._index.knows(heading):
                return False
            if heading.kind not in ("record", "architecture"):
                return True
            return self._first(self._index.lines_of(heading), lambda line: announced(entry_of(line), heading)) is not None

    def _begin_again(self) -> None:  # noqa: B027  a store in memory has nothing else to begin with
        """Forget what was seen: this is a forked child, and another thread of the parent may have left it half changed."""

    @abstractmethod
    def _refresh(self) -> None:
        """Take in what others appended since."""

    @abstractmethod
    def _read(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Lines by their numbers; those set aside are left out."""

    @abstractmethod
    def _set_aside(self, number: int, line: bytes) -> None:
        """Line `number` is damaged: never hand it out."""

    @abstractmethod
    def _mark(self) -> tuple[str, int]:
        """Name of the log, another one for another content, and the number of its lines."""

    def extend(self, entries: Iterable[Entry]) -> None:
        """Keep many entries, which are synced to the disk together. Raises as `append` does."""
        self.keep({heading_of(entry): line_of(entry) for entry in entries})

    def put(self, record: Record) -> None:
        """Keep a record. Once this returns it survives any kill. One that is there already is not kept twice."""
        heading, line = line_for(record)
        self.keep({heading: line})

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`, retracted ones left out; None if there is none."""
        return next(iter(self.replicates(key)), None)

    def replicates(self, key: str) -> list[Record]:
        """Every record under `key` that is not retracted, best first."""
        if not is_key(key):
            return []
        with self._mutex:
            self._refresh()
            candidates = self._index.lines_under(key)
            every = [self._first(numbers, lambda line: checked(record_of(line), key=key)) for numbers in candidates]
        found = [record for record in every if record is not None]
        return sorted(found, key=lambda record: record.order, reverse=True) if len(found) > 1 else found

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """The document of an architecture; None if this store has none."""
        if not is_key(fingerprint):
            return None
        wanted = Heading("architecture", fingerprint)
        with self._mutex:
            self._refresh()
            numbers = self._index.lines_of_document(fingerprint)
            entry = self._first(numbers, lambda line: announced(entry_of(line), wanted))
        return dict(entry.body["document"]) if entry else None

    def records(self) -> Iterator[Record]:
        """Every record that is not retracted, in the order of arrival."""
        names = iter(self.record_ids())
        while batch := list(islice(names, BATCH)):
            with self._mutex:
                lines = {name: self._index.lines_of_record(name) for name in batch}
                firsts = self._held([numbers[0] for numbers in lines.values() if numbers], record_of)
                found = {record.record_id: record for record in firsts}
                for name in batch:  # whose first line is damaged
                    other = None if name in found else self._first(self._index.lines_of_record(name), record_of)
                    if other is not None:
                        found[other.record_id] = other
            yield from (found[name] for name in batch if name in found)

    def every_line(self) -> Iterator[bytes]:
        """Every entry as one line of JSON, as it is: not verified, which would take many times as long."""
        with self._mutex:
            self._refresh()
            _, count = self._mark()
        for start in range(0, count, BATCH):
            with self._mutex:
                batch = [line for _, line in self._read(range(start, min(start + BATCH, count)))]
            yield from batch

    def take(self, lines: Iterable[bytes]) -> Taken:
        """Keep log entries that come as lines of JSON, after verifying each; those that are damaged are left out."""
        return taken(self.keep, lines)

    def position(self) -> Cursor:
        """The cursor at the end of what is there."""
        with self._mutex:
            self._refresh()
            return self._position(self._mark()[1])

    def follows(self, cursor: Cursor) -> bool:
        """Whether this was once the position of this very store; never for an empty one."""
        with self._mutex:
            self._refresh()
            return self._seen_by(cursor) > 0

    def since(self, cursor: Cursor, *, max_bytes: int | None = None) -> tuple[list[Entry], Cursor]:
        """Entries that came after `cursor`, and the cursor after them: {log and hash of the last line seen: number of lines}.

        So a cursor of another log, or of one that was made anew, gives everything.

        Parameters
        ----------
        cursor
            Empty for everything.
        max_bytes
            Stop before the entries are longer together, but not before the first; None for all. [bytes]
        """
        with self._mutex:
            self._refresh()
            _, count = self._mark()
            entries, after = self.entries_between(self._seen_by(cursor), count, max_bytes=max_bytes)
            return entries, self._position(after)

    def entries_between(
        self, start: int, end: int, *, max_bytes: int | None = None, at_least: int = 1
    ) -> tuple[list[Entry], int]:
        """The entries on lines `start` to `end`, as far as they are not too long together, and the number of the line after."""
        with self._mutex:
            lines: list[tuple[int, bytes]] = []
            size = 0
            for number, line in self._read(range(start, end)):
                size += len(line)
                if max_bytes is not None and len(lines) >= at_least and size > max_bytes:
                    return self._verified(lines, entry_of), number
                lines.append((number, line))
            return self._verified(lines, entry_of), end

    def record_ids(self) -> list[str]:
        """Ids of all records that are not retracted."""
        with self._mutex:
            self._refresh()
            return list(self._index.record_ids())

    def is_retracted(self, record_id: str) -> bool:
        """Whether this store has a retraction of the record."""
        with self._mutex:
            self._refresh()
            return self._index.is_retracted(record_id)

    def __len__(self) -> int:
        """Number of records that are not retracted. One that is damaged counts until it is asked for."""
        return len(self.record_ids())

    def _position(self, count: int) -> Cursor:
        """The cursor after so many lines."""
        name, _ = self._mark()
        if not name or not count:
            return {}
        last = next((line for _, line in self._read([count - 1])), b"")
        return {f"{name}.{hashlib.sha256(last).hexdigest()[:16]}": count}

    def _seen_by(self, cursor: Cursor) -> int:
        """How many lines a cursor has seen; 0 for one that is not of this log."""
        name, count = self._mark()
        mine = {log: seen for log, seen in cursor.items() if log.partition(".")[0] == name and type(seen) is int}
        return max((n for log, n in mine.items() if 0 < n <= count and log in self._position(n)), default=0)

    def _first(self, numbers: Sequence[int], reading: Callable[[bytes], Held]) -> Held | None:
        """What the first of these lines holds that is whole."""
        for number in numbers:
            line = self._line(number)
            if held := self._verified([(number, line)] if line else [], reading):
                return held[0]
        return None

    def _line(self, number: int) -> bytes:
        """One line; empty if there is none."""
        return next((line for _, line in self._read([number])), b"")

    def _held(self, numbers: Iterable[int], reading: Callable[[bytes], Held]) -> list[Held]:
        """What these lines hold, verified by `reading`; what does not verify is set aside and left out."""
        return self._verified(self._read(numbers), reading)

    def _verified(self, lines: Iterable[tuple[int, bytes]], reading: Callable[[bytes], Held]) -> list[Held]:
        found = []
        for number, line in list(lines):
            try:
                found.append(reading(line))
            except RecordError:
                self._index.forget(number)
                self._set_aside(number, line)
        return found


def seen_of(cursor: Cursor, name: str, count: int) -> int:
    """How many of the `count` lines of a log a cursor has seen; 0 for one that cannot be right."""
    seen = cursor.get(name, 0)
    return seen if type(seen) is int and 0 <= seen <= count else 0


def announced(entry: Entry, heading: Heading) -> Entry:
    """The entry; raises `RecordError` if it has not what its line or an index said."""
    found = heading_of(entry)
    if (found.kind, found.name) != (heading.kind, heading.name) or (found.shut and not heading.shut):
        raise RecordError(f"a line that should hold the {heading.kind} {heading.name[:12]}… holds something else")
    return entry


def checked(record: Record, *, key: str) -> Record:
    """The record; raises `RecordError` if it is not one under this key, though its line or an index said so."""
    if record.key != key:
        raise RecordError(f"a line that should hold a record of key {key[:12]}… holds one of {record.key[:12]}…")
    return record


def taken(keep: Callable[[Mapping[Heading, bytes]], int], lines: Iterable[bytes]) -> Taken:
    """Verify lines and keep those that are whole; raises `NewerVersion`, and keeps nothing, if one is of a later version."""
    whole: dict[Heading, bytes] = {}
    count = damaged = 0
    for line in lines:
        count += 1
        try:
            whole.setdefault(heading_of(entry_of(line)), line if line.endswith(b"\n") else line + b"\n")
        except RecordError:
            damaged += 1
    return Taken(count, keep(whole), damaged)
