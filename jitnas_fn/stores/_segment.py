"""The lines of one writer on shared storage, as readers see them; and many such, merged into one file."""

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NoReturn

from jitnas_fn.core.errors import RecordError, StoreError
from jitnas_fn.stores._aside import Aside
from jitnas_fn.stores._disk import SHARED_ADVICE, failure
from jitnas_fn.stores._file_store import FileStore
from jitnas_fn.stores._lines import Heading, entry_of, heading_at_a_glance, heading_of
from jitnas_fn.stores._log import Log
from jitnas_fn.stores.careful import NoPlainFile, opened
from jitnas_fn.stores.catalogue import Merged

BEAT_LINES = 10_000  # of which an index is made between two signs of life
CLOSING = b'{"closed":true}\n'  # the last line of a segment whose writer has ended
OPEN, MERGING = ".jsonl", ".merging"


class Vanished(StoreError):
    """A file was merged and removed while it was read: whoever asks again finds its lines elsewhere."""


class Lines(FileStore):
    """Lines on shared storage that somebody else writes. They are looked at when `look` is called, and only then."""

    def keep(self, lines: Mapping[Heading, bytes]) -> NoReturn:
        """Refuse: each writer has a segment of its own."""
        raise StoreError("a segment is only written by its writer: append to the SegmentStore")

    def _line(self, number: int) -> bytes:
        return next((line for _, line in self._read([number])), b"")  # the file may have another name by now

    def _refresh(self) -> None:
        """The store that it belongs to says when."""

    def look(self) -> bool:
        """Take in what is new; whether the file is there, with all that was seen of it."""
        with self._mutex:
            status, seen = self._log.status(), len(self._log)
            if status is None:  # what is known of it stays good for those who are just asking
                return False
            self._take_in(status)
            return len(self._log) >= seen

    def bytes_of(self, numbers: range) -> int:
        """Length of these neighbouring lines together [bytes]."""
        return self._log.bytes_of(numbers)


class Segment(Lines):
    """The lines of one writer.

    Parameters
    ----------
    folder
        Of the segments.
    writer
        Whose.
    """

    few = None

    def __init__(self, folder: Path, writer: str) -> None:
        log = _SharedLog(folder / f"{writer}{OPEN}", folder / f"{writer}{MERGING}")
        super().__init__(log, Aside(log.path, copies=False))
        self.closed = False
        self._news: list[Heading] = []

    @property
    def lines(self) -> int:
        """How many, without the one that closes it."""
        return len(self._log) - self.closed

    @property
    def is_merging(self) -> bool:
        """Whether a compactor has taken it, when last looked at."""
        return self._log.path.suffix == MERGING

    def look(self) -> bool:
        """Take in what is new, if it is not closed; whether the file is there, with all that was seen of it."""
        return self.closed or super().look()

    def note(self, descriptor: int, lines: Mapping[Heading, bytes]) -> None:
        """Take in lines that this process has just written."""
        with self._mutex:
            self._took(self._log.note(descriptor, list(lines.values())), lines)

    def news(self) -> list[Heading]:
        """Headings of the lines that were taken in since this was last asked."""
        with self._mutex:
            news, self._news = self._news, []
            return news

    def _take(self, number: int, line: bytes) -> bool:
        if line == CLOSING:
            self.closed = True
            self._left_out.add(number)
            return True
        try:
            heading = heading_at_a_glance(line) or heading_of(entry_of(line))
        except RecordError:
            self._left_out.add(number)
            return False
        self._took(range(number, number + 1), {heading: line})
        return True

    def _took(self, numbers: range, lines: Mapping[Heading, bytes]) -> None:
        super()._took(numbers, lines)
        self._news += lines


class MergedFile(Lines):
    """The lines of several writers, one after another.

    Attributes
    ----------
    places
        Writer → (number of its first line here, how many).
    counts
        Writer → how many, where the file was not cut: the cursor of who has seen all of it.
    """

    def __init__(self, folder: Path, merged: Merged) -> None:
        path = folder / merged.file
        super().__init__(_SharedLog(path), Aside(path, copies=False))
        self.places: dict[str, tuple[int, int]] = {}
        self._alive = nothing
        first = 1
        for part in merged.parts:
            self.places[part.writer] = first, part.lines
            first += part.lines
        self.counts = {writer: count for writer, (_, count) in self.places.items() if count}

    def place_of(self, writer: str) -> tuple[int, int]:
        """(number of a writer's first line here, how many are there): fewer than there should be if the file was cut."""
        first, count = self.places[writer]
        return first, max(0, min(count, len(self._log) - first))

    def is_whole(self) -> bool:
        """Whether all lines are there that should be."""
        return len(self._log) > sum(self.counts.values())

    def make_table(self, *, alive: Callable[[], None]) -> None:
        """Make the index beside it, whatever is in it, and call `alive` now and then."""
        with self._mutex:
            self.few, self._alive = None, alive
            super().look()
            self._write_table()

    def _take(self, number: int, line: bytes) -> bool:
        if number % BEAT_LINES == 0:
            self._alive()
        if number == 0:  # what is in it
            self._name = self._name or self._log.path.stem
            self._left_out.add(number)
            return True
        return super()._take(number, line)


def nothing() -> None:
    """Nobody waits for a sign of life."""


class _SharedLog(Log):
    """A log that may be removed while it is read, or get another name."""

    def __init__(self, *names: Path) -> None:
        super().__init__(names[0])
        self._names = names

    def status(self) -> os.stat_result | None:
        """What the system says of the file under whichever name it has; None if there is none."""
        for name in self._names:
            self.path = name
            with contextlib.suppress(FileNotFoundError):
                return self._opened_stat()
        return None

    def _opened_stat(self) -> os.stat_result:
        """Asked of the opened file: what NFS says of a path may be a minute old."""
        try:
            with opened(self.path) as file:
                return os.fstat(file.fileno())
        except (FileNotFoundError, NoPlainFile):
            raise
        except OSError as reason:
            raise failure(self.path, "read", reason, advice=SHARED_ADVICE) from None

    def _open(self, buffering: int) -> BinaryIO:
        for name in self._names:
            self.path = name
            with contextlib.suppress(FileNotFoundError):
                return opened(name)
        raise Vanished(f"{self.path} was merged meanwhile: ask again")
