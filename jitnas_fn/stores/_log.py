"""A file of lines that grows while it is read, and whose end may be torn by a kill."""

import contextlib
import hashlib
import io
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import failure, identity_of, next_line, read_all
from jitnas_fn.stores._table import Table

READING = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)


class Ends:
    """Where each line ends: those that an index covers, and those after them."""

    def __init__(self, covered: Sequence[int] | memoryview = ()) -> None:
        self._covered = covered
        self._count = len(covered)
        self._more: array[int] = array("Q")

    def __len__(self) -> int:
        return self._count + len(self._more)

    def __getitem__(self, number: int) -> int:
        return int(self._covered[number]) if number < self._count else self._more[number - self._count]

    def append(self, end: int) -> None:
        """Add the end of the next line [bytes]."""
        self._more.append(end)

    def to_bytes(self) -> bytes:
        """All of them, 8 bytes each."""
        return bytes(self._covered) + self._more.tobytes()


class Log:
    """Lines of a file by number. Only lines that end in a newline count; what follows the last one was torn by a kill.

    Readers take no lock. The file is opened for each access, so that one that was replaced or removed is noticed and no
    descriptor outlives its use.

    Parameters
    ----------
    path
        The file, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ends = Ends()
        self._file: tuple[int, int] | None = None

    def __len__(self) -> int:
        """Number of lines seen."""
        return len(self._ends)

    @property
    def end(self) -> int:
        """Number of bytes up to the end of the last line seen."""
        return self._ends[len(self._ends) - 1] if len(self._ends) else 0

    def adopt(self, table: Table) -> bool:
        """Take from an index which lines there are, if it is one of this file; nothing was seen yet."""
        if not table.lines or self._file is not None:
            return False
        with contextlib.suppress(StoreError), self._reading() as file:
            first = file.read(table.ends[0])
            begins = table.ends[table.lines - 2] if table.lines > 1 else 0
            file.seek(begins)
            last = file.read(table.bytes - begins)
            if (hashlib.sha256(first).hexdigest(), hashlib.sha256(last).hexdigest()) == (table.first, table.last):
                self._ends = Ends(table.ends)
                return True
        self._file = None
        return False

    def note(self, descriptor: int, lines: Sequence[bytes]) -> range:
        """Take in lines that this process has just written behind all others; their numbers."""
        self._file = self._file or identity_of(os.fstat(descriptor))
        for line in lines:
            self._ends.append(self.end + len(line))
        return range(len(self._ends) - len(lines), len(self._ends))

    def ends(self) -> bytes:
        """End of each line seen [bytes], 8 bytes each."""
        return self._ends.to_bytes()

    def was_replaced(self, status: os.stat_result | None) -> bool:
        """Whether the path now leads to another file, a shorter one or none. Everything seen is forgotten then."""
        if self._file is None or (status and identity_of(status) == self._file and status.st_size >= self.end):
            return False
        self._ends, self._file = Ends(), None
        return True

    def new_lines(self, status: os.stat_result | None) -> Iterator[tuple[int, bytes]]:
        """Yield number and content of the lines appended since the last call; of a line too long, its beginning.

        A line that made the caller raise is not seen: it comes again at the next call.
        """
        if status is None or status.st_size <= self.end:
            return
        with self._reading() as file:
            file.seek(self.end)
            while line := next_line(file):
                content, length = line
                yield len(self._ends), content
                self._ends.append(self.end + length)

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Lines by their numbers; none if the file was replaced meanwhile."""
        with self._reading(buffering=0) as file:
            for number in numbers:
                if number >= len(self._ends):  # an index that lies
                    continue
                start = self._ends[number - 1] if number else 0
                file.seek(start)
                if content := read_all(file, self._ends[number] - start):
                    yield number, content

    def line(self, number: int) -> bytes:
        """One line; empty if there is none, or the file was replaced meanwhile. Asked at every look-up, so without a buffer."""
        if number >= len(self._ends):
            return b""
        start = self._ends[number - 1] if number else 0
        try:
            descriptor = os.open(self.path, READING)
            try:
                if identity_of(os.fstat(descriptor)) != self._file:
                    return b""
                size, content = self._ends[number] - start, b""
                while len(content) < size and (part := os.pread(descriptor, size - len(content), start + len(content))):
                    content += part  # in one piece, unless a signal comes
                return content
            finally:
                os.close(descriptor)
        except OSError as reason:
            raise failure(self.path, "read", reason) from None

    def bytes_of(self, numbers: range) -> int:
        """Length of these neighbouring lines together [bytes]."""
        return self._ends[numbers[-1]] - (self._ends[numbers[0] - 1] if numbers[0] else 0) if numbers else 0

    def torn_tail(self) -> bytes:
        """What follows the last newline, its beginning where it is too long; all whole lines were seen."""
        status = self.status()
        if status is None or status.st_size <= self.end:
            return b""
        with self._reading() as file:
            file.seek(self.end)
            return file.read(MAX_ENTRY_BYTES)

    @contextlib.contextmanager
    def _reading(self, buffering: int = -1) -> Iterator[BinaryIO]:
        try:
            with self._open(buffering) as file:
                identity = identity_of(os.fstat(file.fileno()))
                self._file = self._file or identity
                yield file if identity == self._file else io.BytesIO()
        except StoreError:
            raise
        except OSError as reason:
            raise failure(self.path, "read", reason) from None

    def status(self) -> os.stat_result | None:
        """What the system says of the file; None if there is none."""
        try:
            return self._stat()
        except FileNotFoundError:
            return None

    def _stat(self) -> os.stat_result:
        try:
            return os.stat(self.path)  # noqa: PTH116  asked at every look-up, and quicker than a Path's
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as reason:
            raise failure(self.path, "read", reason) from None

    def _open(self, buffering: int) -> BinaryIO:
        return open(self.path, "rb", buffering=buffering)  # noqa: PTH123  closed by the caller; quicker than a Path's
