"""A file of lines to which several processes append, one at a time, and which any of them may lose power over."""

import contextlib
import errno
import io
import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import failure, identity_of, next_line, sync_folder, write_all

APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Log:
    """Lines of a file by number. Only lines that end in a newline count; what follows the last one was torn by a kill.

    A line is written under a lock on `<name>.lock`, with one `write` on a descriptor that appends, and synced to the disk
    before `append` returns. Readers take no lock. The file is opened for each access, so that one that was replaced or
    removed is noticed and no descriptor outlives its use.

    Parameters
    ----------
    path
        The file. It is made, with its folder, by the first append.
    lock_timeout_seconds
        How long to wait for another process that is writing.
    """

    def __init__(self, path: Path, *, lock_timeout_seconds: float) -> None:
        self.path = path
        self._timeout_seconds = lock_timeout_seconds
        self._ends: array[int] = array("Q")
        self._file: tuple[int, int] | None = None
        self._lock: Any = None  # a filelock.FileLock; only writers import it

    def __len__(self) -> int:
        """Number of lines seen."""
        return len(self._ends)

    @property
    def end(self) -> int:
        """Number of bytes up to the end of the last line seen."""
        return self._ends[-1] if self._ends else 0

    def was_replaced(self) -> bool:
        """Whether the path now leads to another file, a shorter one or none. Everything seen is forgotten then."""
        status = self._status()
        if self._file is None or (status and identity_of(status) == self._file and status.st_size >= self.end):
            return False
        self._ends, self._file = array("Q"), None
        return True

    def new_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and content of the lines appended since the last call; of a line too long, its beginning.

        A line that made the caller raise is not seen: it comes again at the next call.
        """
        status = self._status()
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
        with self._reading() as file:
            for number in numbers:
                start = self._ends[number - 1] if number else 0
                file.seek(start)
                if content := file.read(self._ends[number] - start):
                    yield number, content

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other writers out.

        Raises
        ------
        StoreError
            If another process writes for longer than the timeout, or nobody may write here.
        """
        from filelock import FileLock, Timeout

        lock = self._lock = self._lock or FileLock(f"{self.path}.lock", timeout=self._timeout_seconds)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            waited = f"{self._timeout_seconds:g} s"
            raise StoreError(
                f"another process has been writing to {self.path} for {waited}: try again when it is done"
            ) from None
        except (OSError, ValueError, NotImplementedError) as reason:
            raise failure(self.path, "locked for writing", reason) from None
        try:
            yield
        finally:
            lock.release()

    def append(self, line: bytes) -> int:
        """Write a line behind all others and return its number; the lock is held, everything before was seen.

        Raises
        ------
        StoreError
            If it could not be written or synced. Nothing of it is left then, nor is anything else changed.
        """
        with self._writing() as descriptor:
            if os.fstat(descriptor).st_size != self.end:
                raise OSError(errno.EBUSY, "another process writes to it without the lock")
            try:
                write_all(descriptor, line)
                os.fsync(descriptor)
            except BaseException:
                # Where even this fails, what is left of the line has no newline, or is a whole line: either is read rightly.
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, self.end)
                raise
        self._ends.append(self.end + len(line))
        return len(self._ends) - 1

    def torn_tail(self) -> bytes:
        """What follows the last newline, its beginning where it is too long; the lock is held, all whole lines were seen."""
        status = self._status()
        if status is None or status.st_size <= self.end:
            return b""
        with self._reading() as file:
            file.seek(self.end)
            return file.read(MAX_ENTRY_BYTES)

    def mend(self, *, keep: bool) -> None:
        """End the torn tail with a newline, or cut it off; the lock is held."""
        with self._writing() as descriptor:
            if keep:
                write_all(descriptor, b"\n")
            else:
                os.ftruncate(descriptor, self.end)
            os.fsync(descriptor)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[int]:
        try:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, APPENDING, 0o666)
            try:
                identity = identity_of(os.fstat(descriptor))
                self._file = self._file or identity
                if identity != self._file:
                    raise OSError(errno.EBUSY, "it was replaced by another file just now")
                yield descriptor
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(self.path.parent)
        except OSError as reason:
            raise failure(self.path, "written", reason) from None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                identity = identity_of(os.fstat(file.fileno()))
                self._file = self._file or identity
                yield file if identity == self._file else io.BytesIO()
        except OSError as reason:
            raise failure(self.path, "read", reason) from None

    def _status(self) -> os.stat_result | None:
        try:
            return self.path.stat()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as reason:
            raise failure(self.path, "read", reason) from None
